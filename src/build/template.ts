/** The texts that go into a release, read from where they lie in gantry and with their `@KEY@` places filled. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path/posix";
import { GantryError } from "../base/errors.ts";

/** A template as it is; `path` is relative to gantry's own root, such as `templates/brain.sh`. */
export function readTemplate(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}

/**
 * @param values a place with `undefined` takes its whole line away
 * @param name the template's, for messages
 * @throws GantryError INTERNAL when a place is not among the values
 */
export function fillPlaces(
  text: string,
  values: Readonly<Record<string, string | undefined>>,
  name: string,
): string {
  const gone = Object.keys(values).filter((key) => values[key] === undefined);
  const kept = text.split("\n").filter((line) => !gone.some((key) => line.includes(`@${key}@`)));
  return kept.join("\n").replace(/@([A-Z_]+)@/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new GantryError({ code: "INTERNAL", what: `${name} asks for ${key}` });
    return value;
  });
}

/**
 * A template with its `#@include FILE` lines replaced, FILE being beside it and free to include others, and every
 * place filled; a file's name may have places too.
 * @throws GantryError INTERNAL when a place is not among the values
 */
export function renderTemplate(path: string, values: Readonly<Record<string, string | undefined>>): string {
  return fillPlaces(readWithIncludes(path, values), values, path);
}

function readWithIncludes(path: string, values: Readonly<Record<string, string | undefined>>): string {
  return readTemplate(path).replace(/^#@include (\S+)\n/gm, (_, part: string) =>
    readWithIncludes(`${dirname(path)}/${fillPlaces(part, values, path)}`, values),
  );
}

/** Refuses what would be more than a word in a script, a unit or a file name; settings are checked long before. */
export function plainWord(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(text)) return text;
  throw new GantryError({ code: "CONFIG_INVALID", what: `"${text}" cannot be part of a file name` });
}
