/**
 * Finds an app's workspace root, and the lockfile that has the exact versions of its packages. A directory above the
 * app is the root only when its list of members contains the app. A repository that merely contains the app's directory
 * does not count, and its lockfile is not used.
 */
import { statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { parseYAML } from "confbox/yaml";
import { readRegularText, unlessRefused } from "../../base/files/index.ts";

export type LockfileKind =
  | "bun.lock"
  | "bun.lockb"
  | "npm-shrinkwrap.json"
  | "package-lock.json"
  | "pnpm-lock.yaml"
  | "yarn.lock";

export interface Lockfile {
  readonly kind: LockfileKind;
  readonly path: string;
}

/** The package manager that writes each lockfile. Messages name it in their fixes. */
export const LOCKFILE_OWNERS: Readonly<Record<LockfileKind, "bun" | "npm" | "pnpm" | "yarn">> = {
  "bun.lock": "bun",
  "bun.lockb": "bun",
  // npm reads it instead of a package-lock.json beside it (npm-shrinkwrap.json(5)).
  "npm-shrinkwrap.json": "npm",
  "package-lock.json": "npm",
  "pnpm-lock.yaml": "pnpm",
  "yarn.lock": "yarn",
};

const KINDS = Object.keys(LOCKFILE_OWNERS) as readonly LockfileKind[];

/**
 * The nearest directory above the app whose workspace has the app as a member. When there is none, the app's own
 * directory.
 */
export function readWorkspaceRoot(appDir: string): string {
  for (let above = dirname(appDir); above !== dirname(above); above = dirname(above)) {
    const patterns = readWorkspacePatterns(above);
    if (matchesWorkspace(relative(above, appDir).split(sep).join("/"), patterns)) return above;
  }
  return appDir;
}

/**
 * The patterns of a workspace root for its members, from pnpm-workspace.yaml when that exists, else from package.json.
 * Empty for other directories.
 */
export function readWorkspacePatterns(directory: string): string[] {
  const yaml = readOwnText(join(directory, "pnpm-workspace.yaml"));
  if (yaml !== undefined) return strings(field(parse(yaml, parseYAML), "packages"));
  const text = readOwnText(join(directory, "package.json"));
  if (text === undefined) return [];
  const workspaces = field(parse(text, JSON.parse), "workspaces");
  return strings(Array.isArray(workspaces) ? workspaces : field(workspaces, "packages"));
}

/** The names in dependencies and devDependencies of a directory's package.json. Empty when that file cannot be read. */
export function readDependencyNames(directory: string): string[] {
  const json = parse(readOwnText(join(directory, "package.json")) ?? "", JSON.parse);
  return ["dependencies", "devDependencies"].flatMap((group) => Object.keys(field(json, group) ?? {}));
}

/**
 * Says whether a directory is a member by these patterns. `*` stands for any characters in one path segment, `**` for
 * any number of segments, and `!` excludes. A later pattern takes precedence over an earlier one.
 * @param path the directory's path relative to the workspace root, with forward slashes
 */
export function matchesWorkspace(path: string, patterns: readonly string[]): boolean {
  let member = false;
  for (const pattern of patterns) {
    const negative = pattern.startsWith("!");
    if (globExpression(negative ? pattern.slice(1) : pattern).test(path)) member = !negative;
  }
  return member;
}

function globExpression(pattern: string): RegExp {
  const segments = pattern.replace(/^\.\//, "").replace(/\/+$/, "").split("/");
  const source = segments
    .map((segment, index) => {
      const last = index === segments.length - 1;
      if (segment === "**") return last ? ".+" : "(?:[^/]+/)*";
      const text = segment.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`).replaceAll("*", "[^/]*");
      return last ? text : `${text}/`;
    })
    .join("");
  return new RegExp(`^${source}$`);
}

/**
 * The lockfile for the app: the workspace root's, else the app's own. When one directory has several, Bun's is taken;
 * else the one of the manager that `packageManager` in package.json names; else the first in the order of {@link
 * LOCKFILE_OWNERS}.
 * @param packageManager that field, for example `pnpm@10.0.0`
 */
export function readLockfile(
  appDir: string,
  root: string,
  packageManager: string | undefined,
): Lockfile | undefined {
  const owner = packageManager?.split("@")[0];
  for (const directory of new Set([root, appDir])) {
    const present = KINDS.filter((kind) => isFile(join(directory, kind)));
    const kind =
      present.find((candidate) => LOCKFILE_OWNERS[candidate] === "bun") ??
      present.find((candidate) => LOCKFILE_OWNERS[candidate] === owner) ??
      present[0];
    if (kind !== undefined) return Object.freeze({ kind, path: join(directory, kind) });
  }
  return undefined;
}

/** The text of a file. Undefined when the file is missing or this user may not read it. */
function readOwnText(path: string): string | undefined {
  return unlessRefused(() => readRegularText(path));
}

/**
 * Parses a text. Undefined when the text is damaged: such a file above the app names no members, and is no error of the
 * app.
 */
function parse(text: string, parser: (text: string) => unknown): unknown {
  try {
    return parser(text);
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
