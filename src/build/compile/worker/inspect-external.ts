/**
 * Loads one external in a process of its own, and reports its exports and whether `require` gives the same as `import`.
 * The build runs it under Bun: `inspect-external.ts SPECIFIER DIRECTORY RESULT HOW`. HOW is `import` when `require`
 * must not be called, because a failed `require` can break a later `import`.
 */
import { resolveSync } from "bun";
import { writeFileSync } from "node:fs";
import { argv, exit } from "node:process";
import { isDeepStrictEqual } from "node:util";
import { namespaceOf, type EsModuleMark } from "../namespace.ts";

export interface Inspection {
  readonly names: readonly string[];
  /**
   * How to read the result of `require` so that it equals the result of `import` in every name and value. Absent when
   * that is impossible.
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
// exit(), because the module may keep timers or sockets open.
exit(0);

function agree(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  // Bun parses a JSON file once for `require` and once for `import`, so the two results have equal contents and are
  // different objects.
  const same = path.endsWith(".json") ? isDeepStrictEqual : Object.is;
  return (
    names.length === Object.keys(left).length &&
    names.every((name) => name in left && same(left[name], right[name]))
  );
}
