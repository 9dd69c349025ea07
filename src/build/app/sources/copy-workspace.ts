/**
 * Copies an app's workspace, or parts of it, into a private directory. Files that no build needs are left out:
 * installed modules, version control, secrets in .env, and earlier releases.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { isThere } from "../../../base/files/index.ts";
import { NAMES } from "../../../release/index.ts";
import { matchesWorkspace, readWorkspacePatterns } from "../workspace.ts";

const LEFT_BEHIND: ReadonlySet<string> = new Set(["node_modules", ".git", ".hg", ".svn"]);
/** Configuration files of package managers, at a workspace's root. */
const MANAGER_FILES = [".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "pnpm-workspace.yaml"] as const;

/** Copies a workspace without the files that no build needs. Symbolic links are copied as links. */
export function copyWorkspace(from: string, to: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (LEFT_BEHIND.has(entry.name) || isEnvFile(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else if (entry.isFile()) copyFileSync(source, target);
    else if (entry.isDirectory() && !isRelease(source)) {
      mkdirSync(target);
      copyWorkspace(source, target);
    }
  }
}

/**
 * Copies the .env files of some directories, for a build that reads them.
 * @param directories relative to both `from` and `to`
 * @returns their paths, relative to `from`
 */
export function copyEnvFiles(from: string, to: string, directories: readonly string[]): string[] {
  const found = [...new Set(directories)].flatMap((directory) =>
    readdirSync(join(from, directory)).flatMap((name) => (isEnvFile(name) ? [join(directory, name)] : [])),
  );
  const files = found.filter(
    (path) => statSync(join(from, path), { throwIfNoEntry: false })?.isFile() === true,
  );
  for (const path of files) copyIfPresent(join(from, path), join(to, path));
  return files;
}

/**
 * Copies what a package manager needs to read a lockfile: every member's package.json, the lockfile, and the package
 * managers' settings.
 * @param lockfile the lockfile's name
 */
export function copyManifests(from: string, to: string, lockfile: string): void {
  const patterns = readWorkspacePatterns(from);
  const members =
    patterns.length === 0 ? [] : listDirectories(from, "").filter((path) => matchesWorkspace(path, patterns));
  for (const path of ["", ...members])
    copyIfPresent(join(from, path, "package.json"), join(to, path, "package.json"));
  for (const name of [...MANAGER_FILES, lockfile]) copyIfPresent(join(from, name), join(to, name));
}

/** Copies the files that configure which registry serves which package. */
export function copyRegistrySettings(from: string, to: string): void {
  for (const name of [".npmrc", "bunfig.toml"]) copyIfPresent(join(from, name), join(to, name));
}

function copyIfPresent(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

function listDirectories(root: string, below: string, found: string[] = []): string[] {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    if (!entry.isDirectory() || LEFT_BEHIND.has(entry.name)) continue;
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    found.push(path);
    listDirectories(root, path, found);
  }
  return found;
}

export function isEnvFile(name: string): boolean {
  return /^\.env(?:\.|$)/.test(name) && name !== NAMES.envExample;
}

function isRelease(path: string): boolean {
  return isThere(join(path, NAMES.manifest));
}
