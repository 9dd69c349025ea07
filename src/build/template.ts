/** Reads gantry's templates for the files of a release, and replaces their `@KEY@` placeholders. */
import { readFileSync } from "node:fs";
import { dirname } from "node:path/posix";
import { GantryError, isMissing } from "../base/errors.ts";

/**
 * The text of a template.
 * @param path relative to gantry's own root, such as `templates/brain.sh`
 * @throws GantryError INTERNAL when there is none
 */
export function readTemplate(path: string): string {
  try {
    return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  } catch (error) {
    if (isMissing(error)) throw ofAnotherVersion(`${path} is not there`);
    throw error;
  }
}

/**
 * In a clone the templates are those of the sources, and the program is dist/. The two differ after a change that was not
 * built.
 */
function ofAnotherVersion(what: string): GantryError {
  return new GantryError({
    code: "INTERNAL",
    what,
    fix: "dist/ is older than its sources: run npm run build in gantry's clone, or install gantry again",
  });
}

/**
 * Replaces every `@KEY@` in a text by its value.
 * @param values the values by key; a key whose value is `undefined` removes each line that contains its placeholder
 * @param name the template's name, for messages
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
    if (value === undefined)
      throw ofAnotherVersion(`${name} asks for ${key}, which this gantry does not know`);
    return value;
  });
}

/**
 * Reads a template, replaces its `#@include FILE` lines by the files, indented as the line is, and fills all
 * placeholders. FILE is relative to the template's directory, may include other files, and may contain placeholders in
 * its name.
 * @throws GantryError INTERNAL when a placeholder is not among the values
 */
export function renderTemplate(path: string, values: Readonly<Record<string, string | undefined>>): string {
  return fillPlaces(readWithIncludes(path, values), values, path);
}

function readWithIncludes(path: string, values: Readonly<Record<string, string | undefined>>): string {
  return readTemplate(path).replace(/^( *)#@include (\S+)\n/gm, (_, indent: string, part: string) =>
    readWithIncludes(`${dirname(path)}/${fillPlaces(part, values, path)}`, values).replace(
      /^(?=.)/gm,
      indent,
    ),
  );
}

/**
 * Returns the text when it is one plain word, which means the same in a script, a unit and a file name. Refuses any
 * other text. The settings were checked before.
 */
export function plainWord(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(text)) return text;
  throw new GantryError({ code: "CONFIG_INVALID", what: `"${text}" cannot be part of a file name` });
}
