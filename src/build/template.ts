/** Reads gantry's templates for files of a release, and fills their `@KEY@` placeholders. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path/posix";
import { GantryError } from "../base/errors.ts";

/** A template as it is; `path` is relative to gantry's own root, such as `templates/brain.sh`. */
export function readTemplate(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}

/**
 * @param values a placeholder with `undefined` removes its whole line
 * @param name the template's, for messages
 * @throws GantryError INTERNAL when a placeholder is not among the values
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
 * A template with all placeholders filled and its `#@include FILE` lines replaced. FILE is beside it and may include
 * others. The name of a file may contain placeholders too.
 * @throws GantryError INTERNAL when a placeholder is not among the values
 */
export function renderTemplate(path: string, values: Readonly<Record<string, string | undefined>>): string {
  return fillPlaces(readWithIncludes(path, values), values, path);
}

function readWithIncludes(path: string, values: Readonly<Record<string, string | undefined>>): string {
  return readTemplate(path).replace(/^#@include (\S+)\n/gm, (_, part: string) =>
    readWithIncludes(`${dirname(path)}/${fillPlaces(part, values, path)}`, values),
  );
}

/** Refuses text that is more than one word in a script, a unit or a file name. Settings were checked before. */
export function plainWord(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(text)) return text;
  throw new GantryError({ code: "CONFIG_INVALID", what: `"${text}" cannot be part of a file name` });
}
