/**
 * Lists the imports of JavaScript files, with the parser of the Bun that runs this program. It is run as `scan.ts
 * DIRECTORY FILE…`. It prints JSON: for each file its imports, or the parser's error.
 */
import { Transpiler } from "bun";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { argv, stdout } from "node:process";
import type { ScannedFile } from "./imports.ts";

const [, , directory = "", ...files] = argv;
const transpiler = new Transpiler({ loader: "jsx" });

const scanned = files.map((file): ScannedFile => {
  try {
    // scanImports takes a hashbang for a syntax error (1.3.7, 1.4.5).
    const text = readFileSync(join(directory, file), "utf8").replace(/^\uFEFF?#!.*/, "");
    const imports = transpiler.scanImports(text);
    return {
      file,
      imports: imports.map(({ path, kind }) => ({ specifier: path, fixed: kind === "import-statement" })),
    };
  } catch (error) {
    return { file, imports: [], problem: error instanceof Error ? error.message : String(error) };
  }
});
stdout.write(JSON.stringify(scanned));
