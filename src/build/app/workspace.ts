/**
 * Finds an app's workspace root and the lockfile that pins it. A directory above is the root only when its list of
 * members contains the app. A repository that only contains the app's directory pins nothing for it.
 */
import { statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { parseYAML } from "confbox/yaml";
import { readRegularText, unlessRefused } from "../../base/files/index.ts";

export type LockfileKind = "bun.lock" | "bun.lockb" | "package-lock.json" | "pnpm-lock.yaml" | "yarn.lock";

export interface Lockfile {
  readonly kind: LockfileKind;
  readonly path: string;
}

/** The package manager of each lockfile, for fixes in messages. */
export const LOCKFILE_OWNERS: Readonly<Record<LockfileKind, "bun" | "npm" | "pnpm" | "yarn">> = {
  "bun.lock": "bun",
  "bun.lockb": "bun",
  "package-lock.json": "npm",
  "pnpm-lock.yaml": "pnpm",
  "yarn.lock": "yarn",
};

const KINDS = Object.keys(LOCKFILE_OWNERS) as readonly LockfileKind[];

/**
 * The nearest directory above the app whose workspace has the app as a member. Without one, the app's own directory.
 */
export function readWorkspaceRoot(appDir: string): string {
  for (let above = dirname(appDir); above !== dirname(above); above = dirname(above)) {
    const patterns = readWorkspacePatterns(above);
    if (matchesWorkspace(relative(above, appDir).split(sep).join("/"), patterns)) return above;
  }
  return appDir;
}

/**
 * The member patterns of a workspace root: pnpm-workspace.yaml's, else package.json's. Empty for other directories.
 */
export function readWorkspacePatterns(directory: string): string[] {
  const yaml = readOwnText(join(directory, "pnpm-workspace.yaml"));
  if (yaml !== undefined) return strings(field(parse(yaml, parseYAML), "packages"));
  const text = readOwnText(join(directory, "package.json"));
  if (text === undefined) return [];
  const workspaces = field(parse(text, JSON.parse), "workspaces");
  return strings(Array.isArray(workspaces) ? workspaces : field(workspaces, "packages"));
}

/** The names in a directory's dependencies and devDependencies. Empty when its package.json cannot be read. */
export function readDependencyNames(directory: string): string[] {
  const json = parse(readOwnText(join(directory, "package.json")) ?? "", JSON.parse);
  return ["dependencies", "devDependencies"].flatMap((group) => Object.keys(field(json, group) ?? {}));
}

/**
 * Is a directory a member by these patterns? `*` is one path segment, `**` any number, and `!` excludes.
 * @param path relative to the workspace root, with forward slashes
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
 * The lockfile that pins the app: the workspace root's, else the app's own. Of several in one directory Bun's win,
 * then the one of the manager that package.json's `packageManager` names, then the first in the order of {@link Lockfile}.
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

/** Undefined for a file that this user may not read, which then is not the app's. */
function readOwnText(path: string): string | undefined {
  return unlessRefused(() => readRegularText(path));
}

/** A damaged file above the app is not the app's: it names no members. */
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
