/**
 * Finds the packages of the app's workspace on which it depends in production. No registry has them: they are the app's
 * own code, are built by their own scripts, and are shipped in lib/app/node_modules.
 */
import {
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  type Dirent,
} from "node:fs";
import { basename, join, relative } from "node:path";
import type { PackageJson } from "pkg-types";
import { GantryError, type Finding } from "../../base/errors.ts";
import { NAMES } from "../../release/index.ts";
import { entryOf, isFile, readInstalled, type App, type InstalledPackage } from "../app/index.ts";

export interface Member {
  /** The name by which it is imported. */
  readonly name: string;
  /** Its directory, relative to the workspace root. */
  readonly path: string;
  readonly json: PackageJson;
  /** The directory in which it was built. */
  readonly directory: string;
}

/**
 * Finds the members on which an app depends.
 * @returns each member after the members on which it depends
 */
export function readMembers(appDir: string, root: string): Omit<Member, "directory">[] {
  const { app, packages } = readInstalled(appDir, root);
  const members = new Map<string, Omit<Member, "directory">>();
  const seen = new Set([app.dir]);
  const visit = (from: InstalledPackage): void => {
    for (const { name, to } of from.edges) {
      const found = to === undefined ? undefined : packages.get(to);
      if (found === undefined || !found.workspace || seen.has(found.dir)) continue;
      seen.add(found.dir);
      visit(found);
      members.set(found.dir, { name, path: relative(realpathSync(root), found.dir), json: found.json });
    }
  };
  visit(app);
  return [...members.values()];
}

/** Builds that trace files: what a link leads to outside of the copy would not be found, or be refused (Turbopack). */
const TRACING = /(?:^|\/)(?:\.output|standalone)\//;

/**
 * Gives the copy of a workspace the installed modules: by links, or by copies for a build that traces files.
 * @param root the workspace root
 */
export function bringModules(app: App, root: string, copy: string): void {
  if (TRACING.test(entryOf(app))) copyModules(root, copy);
  else linkModules(root, copy);
}

function copyModules(root: string, copy: string, below = ""): void {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (!entry.isDirectory()) continue;
    if (entry.name === NAMES.modules)
      cpSync(join(root, path), join(copy, path), {
        recursive: true,
        verbatimSymlinks: true,
        mode: constants.COPYFILE_FICLONE,
        filter: (from) => !CACHES.has(basename(from)),
      });
    else if (existsSync(join(copy, path))) copyModules(root, copy, path);
  }
}

/**
 * Links installed modules into the copy of a workspace, so that build tools are found. The links of workspace members
 * lead into the copy, where they are built.
 * @param root the workspace root
 * @param below the directory to begin with, relative to the root
 */
function linkModules(root: string, copy: string, below = ""): void {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.name === NAMES.modules) linkPackages(root, copy, path);
    else if (entry.isDirectory() && existsSync(join(copy, path))) linkModules(root, copy, path);
  }
}

/**
 * Directories in which tools keep caches. They are not linked: tools make new ones in the copy, and the app's own stay
 * unchanged.
 */
const CACHES: ReadonlySet<string> = new Set([".cache", ".vite", ".vite-temp", ".tmp"]);

function linkPackages(root: string, copy: string, below: string): void {
  mkdirSync(join(copy, below));
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (CACHES.has(entry.name)) continue;
    if (entry.name.startsWith("@") && entry.isDirectory()) linkPackages(root, copy, path);
    else {
      const member = memberAt(root, path, entry);
      symlinkSync(member === undefined ? join(root, path) : join(copy, member), join(copy, path));
    }
  }
}

/**
 * The directory of the member that an entry of node_modules leads to, relative to the workspace root. Undefined when
 * the entry leads to no member.
 */
function memberAt(root: string, path: string, entry: Dirent): string | undefined {
  if (!entry.isSymbolicLink() || !existsSync(join(root, path))) return undefined;
  const target = relative(realpathSync(root), realpathSync(join(root, path)));
  return target.startsWith("..") || target.split("/").includes(NAMES.modules) ? undefined : target;
}

const LOADABLE = /\.(?:[cm]?js|json|node)$/;

/** Says whether a text contains a string that is a package's name, or a path in that package. */
export function namesPackage(text: string, name: string): boolean {
  return ['"', "'", "`"].some((quote) => [quote, "/"].some((end) => text.includes(`${quote}${name}${end}`)));
}

/**
 * Refuses workspace members that were not compiled.
 * @param members members by the directory to which they were copied, without their TypeScript
 * @param root the workspace root
 * @throws GantryError CONFIG_INVALID for each member that has no file which Node can load, such as a package for
 *   bundlers only
 */
export function refuseUncompiled(
  members: ReadonlyMap<string, Pick<Member, "name" | "path" | "json"> | undefined>,
  root: string,
): void {
  const findings = [...members].flatMap(([place, member]): Finding[] => {
    if (member === undefined) return [];
    const { name, path, json } = member;
    const offered = targets(json.exports ?? json.main ?? "index.js");
    if (offered.some((target) => isLoadable(place, target))) return [];
    return [
      {
        code: "CONFIG_INVALID",
        what: `${name}, a package of the workspace, has no JavaScript where its package.json says: ${[...new Set(offered)].join(", ")}`,
        where: join(root, path, NAMES.packageJson),
        fix: `let its "build" script make it and its "exports" or "main" name it, or let the app's build bundle ${name}`,
      },
    ];
  });
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

function isLoadable(place: string, target: string): boolean {
  if (target.includes("*")) return true;
  return ["", ".js", "/index.js"]
    .map((ending) => target + ending)
    .some((file) => LOADABLE.test(file) && isFile(join(place, file)));
}

/** The files that the value of `main` or `exports` names, except type declarations. */
function targets(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "types" ? [] : targets(inner)));
}
