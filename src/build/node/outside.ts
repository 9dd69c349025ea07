/**
 * Finds files that compiled JavaScript reads outside the directory that becomes lib/app, such as `new URL("../public",
 * import.meta.url)`. Such files are not shipped. They are found by their names in the text, which can be wrong, so a
 * match is a warning and not an error.
 */
import { dirname, join } from "node:path";

/**
 * Finds the files and directories outside `part` that a text names.
 * @param text JavaScript
 * @param file path of the text's file, relative to the app
 * @param part the directory that becomes lib/app
 * @param exists says whether there is such a file or directory below the app
 * @returns paths relative to the app, each once
 */
export function readOutside(
  text: string,
  file: string,
  part: string,
  exists: (path: string) => boolean,
): string[] {
  const here = dirname(file);
  // A path may be in several strings: join(__dirname, "..", "public").
  const joined = text.replaceAll(/["'`]\s*,\s*["'`]/g, "/");
  const upward = [text, joined].flatMap((one) => literals(one, /["'`]((?:\.\.\/)+[^"'`\s\\$]+)["'`]/g));
  // A path may be in two statements: root = join(here, "..") and join(root, "public").
  const climbs = /\b(?:join|resolve|URL)\([^;]{0,80}?["'`]\.\.\/?["'`]\s*[,)]/.test(text);
  const below = climbs
    ? literals(text, /\b(?:join|resolve)\(\s*[\w$.]+\s*,\s*["'`]([^"'`\s\\$]+)["'`]/g)
    : [];
  const paths = [...upward.map((path) => join(here, path)), ...below.map((path) => join(here, "..", path))];
  return [...new Set(paths)].filter(
    (path) => !/^\.\.?(?:\/|$)/.test(path) && path !== part && !path.startsWith(`${part}/`) && exists(path),
  );
}

function literals(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, literal = ""]) => literal);
}
