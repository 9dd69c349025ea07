/**
 * Loads one external in a process of its own and reports its exports, and whether `require` gives the same as
 * `import`. Run by the build under Bun: `inspect-external.ts SPECIFIER DIRECTORY RESULT HOW`. HOW is `import` to leave
 * the `require` out, because its failure can break a later `import`.
 */
import { resolveSync } from "bun";
import { writeFileSync } from "node:fs";
import { argv, exit } from "node:process";
import { isDeepStrictEqual } from "node:util";
import { namespaceOf, type EsModuleMark } from "./namespace.ts";

export interface Inspection {
  readonly names: readonly string[];
  /**
   * How to read the result of `require` so that it equals `import` in every name and value. Absent when that is
   * impossible.
   */
  readonly mark?: EsModuleMark;
}

const MARKS: readonly EsModuleMark[] = ["heeded", "ignored"];
const [, , specifier = "", directory = "", resultFile = "", how] = argv;
const path = resolveSync(specifier, directory);
const required: unknown = how === "import" ? undefined : import.meta.require(path);
const imported = (await import(path)) as Record<string, unknown>;
const names = Object.keys(imported).toSorted();
const mark = how === "import" ? undefined : MARKS.find((one) => agree(namespaceOf(required, one), imported));
const inspection: Inspection = { names, ...(mark === undefined ? {} : { mark }) };
writeFileSync(resultFile, JSON.stringify(inspection));
// exit() because the module may hold timers or sockets.
exit(0);

function agree(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  // Bun reads a JSON file once for each of the two, so only the contents can be equal.
  const same = path.endsWith(".json") ? isDeepStrictEqual : Object.is;
  return (
    names.length === Object.keys(left).length &&
    names.every((name) => name in left && same(left[name], right[name]))
  );
}
