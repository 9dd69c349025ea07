/**
 * Finds files outside its own directory that compiled JavaScript reads, such as `new URL("../public",
 * import.meta.url)`. Only that directory becomes lib/app. They are found by their names in the text, so a match is a
 * warning and not an error.
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
  // join(__dirname, "..", "public") is one path in several strings.
  const joined = text.replaceAll(/["'`]\s*,\s*["'`]/g, "/");
  const upward = [text, joined].flatMap((one) => literals(one, /["'`]((?:\.\.\/)+[^"'`\s\\$]+)["'`]/g));
  // The parts may be in two statements: root = join(here, "..") and join(root, "public").
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
