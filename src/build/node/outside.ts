/**
 * Files that compiled JavaScript reads from beside its own directory, as `new URL("../public", import.meta.url)` does:
 * only that directory becomes lib/app. They are found by their names in the text, so a find is a warning and no error.
 */
import { dirname, join } from "node:path";

/**
 * @param text JavaScript
 * @param file its path below the app
 * @param part the directory that becomes lib/app
 * @param exists is there such a file or directory below the app?
 * @returns paths below the app, each once
 */
export function readOutside(
  text: string,
  file: string,
  part: string,
  exists: (path: string) => boolean,
): string[] {
  const here = dirname(file);
  // join(__dirname, "..", "public") names one path in several words.
  const joined = text.replaceAll(/["'`]\s*,\s*["'`]/g, "/");
  const upward = [text, joined].flatMap((one) => literals(one, /["'`]((?:\.\.\/)+[^"'`\s\\$]+)["'`]/g));
  // root = join(here, "..") in one place, and join(root, "public") in another.
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
