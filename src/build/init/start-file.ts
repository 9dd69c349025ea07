/**
 * Makes the entry of an app that a program of a package starts, such as `strapi start`: a release starts a file of the
 * app. Pure.
 */

/** The file's name in the app's directory. It is an ES module whatever the app's package.json says. */
export const START_FILE = "gantry-start.mjs";

export interface PackageProgram {
  /** The package, such as `@strapi/strapi`, and its program, such as `strapi`. */
  readonly package: string;
  readonly program: string;
  readonly arguments: readonly string[];
}

/** The text of the entry. Paths in the arguments are relative to the app, as in the script that the entry stands for. */
export function startFile({ package: name, program, arguments: words }: PackageProgram): string {
  const command = [program, ...words].join(" ");
  return `// Starts the app as "${command}" does, in the app's own directory. Written by gantry init, and yours to change.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { argv, chdir } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const manifest = require.resolve(${JSON.stringify(`${name}/package.json`)});
const { bin } = require(manifest);
const program = join(dirname(manifest), typeof bin === "string" ? bin : bin[${JSON.stringify(program)}]);

chdir(dirname(fileURLToPath(import.meta.url)));
argv.splice(1, 1, ${[`program`, ...words.map((word) => JSON.stringify(word))].join(", ")});
await import(pathToFileURL(program).href);
`;
}
