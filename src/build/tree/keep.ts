/**
 * Which files pruning must leave in because some module reads them at run time: paths relative to node_modules, in
 * which `*` and `?` stand for parts of a name and `**` for any directories. A directory's path means all in it. Pure.
 */
import type { Manifest } from "../../release/index.ts";
import { nearest } from "../app/index.ts";

/** Patterns, or everything: the manifest's own form. */
export type Keep = NonNullable<Manifest["keep"]>;

/** A pattern that no installed file matches. */
export interface UnmatchedKeep {
  readonly pattern: string;
  /** The installed file whose path is nearest, when one is near enough to be meant. */
  readonly nearest: string | undefined;
}

/** Tells whether a path, relative to node_modules, is kept. */
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

/** The package that a pattern is about: its first part, or two where a scope begins it. */
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
