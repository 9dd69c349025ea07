/** The committed files that are made from the source are what `npm run generate` writes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { generateFiles } from "../../scripts/generate/index.ts";

const root = join(import.meta.dirname, "../..");

it.each(generateFiles(root))("$path", ({ path, text }) => {
  expect(readFileSync(join(root, path), "utf8"), "run npm run generate").toBe(text);
});
