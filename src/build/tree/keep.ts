/**
 * The patterns of `gantry.keep` and `gantry.exclude`: which files pruning must keep because a module reads them at run
 * time, and which it must leave out. They are paths relative to node_modules: `*` and `?` match characters within a name,
 * and `**` matches any directories. A directory's path matches everything in it. Pure.
 */
import { nearest } from "../app/index.ts";

/** A list of patterns, or `all` for everything, as in the manifest. */
export type Keep = "all" | readonly string[];

/** A pattern that no installed file matches. */
export interface UnmatchedPattern {
  readonly setting: "gantry.keep" | "gantry.exclude";
  readonly pattern: string;
  /** The installed file with the nearest path, when one is similar enough. */
  readonly nearest: string | undefined;
}

/** Returns a function that tells whether one of the patterns matches a path, relative to node_modules. */
export function matchesPattern(patterns: Keep): (path: string) => boolean {
  if (patterns === "all") return () => true;
  const expressions = patterns.map(parsePattern);
  return (path) => expressions.some((expression) => expression.test(path));
}

/** The patterns that none of these paths match. */
export function findUnmatched(
  setting: UnmatchedPattern["setting"],
  patterns: Keep,
  paths: readonly string[],
): UnmatchedPattern[] {
  if (patterns === "all") return [];
  return patterns
    .filter((pattern) => !paths.some((path) => parsePattern(pattern).test(path)))
    .map((pattern) => ({ setting, pattern, nearest: nearest(pattern, paths) }));
}

/** The name of the package to which a pattern belongs: its first part, or the first two for a scoped package. */
export function packageOfPattern(pattern: string): string {
  return pattern
    .split("/")
    .slice(0, pattern.startsWith("@") ? 2 : 1)
    .join("/");
}

function parsePattern(pattern: string): RegExp {
  const source = pattern.replace(/\/+$/, "").replaceAll(/\*\*\/|\*\*|\*|\?|[^*?]+/g, (token) => {
    if (token === "**/") return "(?:[^/]+/)*";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    return token === "?" ? "[^/]" : token.replaceAll(/[\\^$.|+()[\]{}]/g, String.raw`\$&`);
  });
  return new RegExp(`^${source}(?:/.*)?$`, "u");
}
