import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { mapsCode } from "../../../../src/modules/tree/exec-probe.ts";

it("code can be mapped from an ordinary directory", () => {
  const directory = mkdtempSync(join(tmpdir(), "gantry-maps-"));
  try {
    expect(mapsCode(directory)).toBe(true);
    rmSync(directory, { recursive: true });
    expect(() => mapsCode(directory)).toThrow(/ENOENT/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
