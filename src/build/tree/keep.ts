/**
 * Decides which files pruning must keep because a module reads them at run time. The files are given as patterns of
 * paths relative to node_modules: `*` and `?` match characters within a name, and `**` matches any directories. A
 * directory's path matches everything in it. Pure.
 */
import type { Manifest } from "../../release/index.ts";
import { nearest } from "../app/index.ts";

/** A list of patterns, or `all` for everything, as in the manifest. */
export type Keep = NonNullable<Manifest["keep"]>;

/** A pattern that no installed file matches. */
export interface UnmatchedKeep {
  readonly pattern: string;
  /** The installed file with the nearest path, when one is similar enough. */
  readonly nearest: string | undefined;
}

/** Returns a function that tells whether a path, relative to node_modules, is kept. */
export function matchesKeep(keep: Keep): (path: string) => boolean {
  if (keep === "all") return () => true;
  const expressions = keep.map(parsePattern);
  return (path) => expressions.some((expression) => expression.test(path));
}

/** The patterns that none of these paths match. */
export function findUnmatched(keep: Keep, paths: readonly string[]): UnmatchedKeep[] {
  if (keep === "all") return [];
  return keep
    .filter((pattern) => !paths.some((path) => parsePattern(pattern).test(path)))
    .map((pattern) => ({ pattern, nearest: nearest(pattern, paths) }));
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
