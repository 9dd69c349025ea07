/** The short run of scripts/fuzz.mjs: damaged files are values, never throws, and cost what files of their size cost. */
import { expect, it } from "vitest";
import { createJudge } from "../../../src/compat/judge-files.ts";
import { guarded, readNativeFile } from "../../../src/elf/elf-file.ts";
import { fuzz, fuzzSeeds } from "../../support/elf/fuzz.mjs";

it("survives 3,000 damaged files", () => {
  const seeds = fuzzSeeds();
  const result = fuzz({ readNativeFile, guarded, createJudge }, { count: 3000, seed: 20_261_121, seeds });
  expect(result.failures).toEqual([]);
  expect(result.inputs).toBe(3000);
  // Damage must reach the rules as well as the reader, or the run proves nothing.
  expect(result.kinds["malformed"]).toBeGreaterThan(100);
  expect(result.kinds["fail"]).toBeGreaterThan(100);
  expect(result.largest).toBeLessThan(2 ** 20);
});
