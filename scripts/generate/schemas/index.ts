/** The files of schemas/: JSON Schema (2020-12) of what each command prints with `--json`. */
import { toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import { COMMANDS } from "./commands.ts";
import { CodeSchema, CompatFindingSchema, FileVerdictSchema, FindingSchema } from "./findings.ts";
import { CapturedLibrarySchema } from "./host.ts";

/** Schemas that occur several times, which a file defines once. */
const SHARED: Readonly<Record<string, GenericSchema>> = {
  Code: CodeSchema,
  Finding: FindingSchema,
  CompatFinding: CompatFindingSchema,
  FileVerdict: FileVerdictSchema,
  CapturedLibrary: CapturedLibrarySchema,
};

const TITLES: Readonly<Record<string, string>> = {
  analyze: "npx gantry analyze --json",
  build: "npx gantry build --json",
  check: "npx gantry check --json",
  init: "npx gantry init --json",
  "doctor-explain": "./gantry doctor --explain FILE --json",
};

/** The text of each file, by the command's name. */
export function formatSchemas(): Record<string, string> {
  const made = Object.entries(COMMANDS).map(([name, schema]) => {
    const json = toJsonSchema(schema, {
      target: "draft-2020-12",
      typeMode: "output",
      definitions: { ...SHARED },
    });
    const { $schema, $defs = {}, ...rest } = json;
    const title = TITLES[name] ?? `./gantry ${name} --json`;
    const used = usedOf($defs, rest);
    const shared = used.length === 0 ? {} : { $defs: Object.fromEntries(used) };
    return [name, `${JSON.stringify({ $schema, title, ...rest, ...shared }, null, 2)}\n`];
  });
  return Object.fromEntries(made) as Record<string, string>;
}

/** The definitions that a part of a schema refers to, and those that these refer to. */
function usedOf<T>(definitions: Readonly<Record<string, T>>, part: unknown): [string, T][] {
  const found = new Map<string, T>();
  const visit = (value: unknown): void => {
    for (const [, name = ""] of JSON.stringify(value).matchAll(/"#\/\$defs\/(\w+)"/g)) {
      const definition = definitions[name];
      if (definition === undefined || found.has(name)) continue;
      found.set(name, definition);
      visit(definition);
    }
  };
  visit(part);
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
