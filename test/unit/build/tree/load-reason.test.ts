import { copyFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readLoadReason } from "../../../../src/build/tree/load-reason.ts";
import { makeDirectory } from "../../../support/build/scratch.ts";

/** A real native file: the one that TypeScript's bundler tools bring for this machine. */
const NATIVE = createRequire(import.meta.url).resolve("@rolldown/binding-linux-x64-gnu");

describe.skipIf(platform() !== "linux" || arch() !== "x64")("readLoadReason", () => {
  it("says what the rules hold against a file, and nothing where they hold nothing", () => {
    // A program is no addon, whatever its name says.
    const program = join(makeDirectory(), "program.node");
    copyFileSync("/bin/true", program);
    expect(readLoadReason([NATIVE, program], process.execPath, {})).toMatchObject({
      severity: "error",
      file: program,
    });
    expect(readLoadReason([NATIVE], process.execPath, {})).toBeUndefined();
  });

  it("says nothing where there is nothing to read", () => {
    expect(readLoadReason([NATIVE], "/none", {})).toBeUndefined();
    expect(readLoadReason(["/none.node"], process.execPath, {})).toBeUndefined();
  });
});
