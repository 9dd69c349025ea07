/**
 * Reads the heads of a tree's files, each once, and decides which native ones the target's program can load. Neither
 * directories nor packages count where a file itself says what it is.
 */
import { join } from "node:path";
import {
  findAccelerated,
  foreignTo,
  type Foreign,
  type LibraryFile,
  type LoadPlace,
} from "../../compat/index.ts";
import { isPlatformPackage } from "../analyze/index.ts";
import { withNativeFile } from "../../host/index.ts";
import type { TreeFile } from "../../release/index.ts";
import { isLicence, type PruneReason } from "./prune.ts";

/** What the heads say about a tree's files, by their paths relative to node_modules. */
export interface NativeFiles {
  /** Files that the target's program cannot load or never chooses. */
  readonly foreign: ReadonlyMap<string, Foreign>;
  /** The other files that are named as addons. */
  readonly addons: readonly string[];
  /** The other native files that are ELF. */
  readonly libraries: readonly LibraryFile[];
}

/** Files with these extensions are text, so that their heads are not read. */
const TEXT = /\.(?:[cm]?[jt]sx?|json|map|md|html?|css|txt|ya?ml)$/;

/**
 * Reads the heads of files.
 * @param directory the node_modules
 */
export function readNativeFiles(
  directory: string,
  files: readonly TreeFile[],
  place: LoadPlace,
): NativeFiles {
  const foreign = new Map<string, Foreign>();
  const addons: string[] = [];
  const libraries: LibraryFile[] = [];
  for (const { path, kind } of files) {
    if (kind !== "file" || isLicence(path)) continue;
    const found = readNativeFile(directory, path, place);
    if (found.foreign !== undefined) {
      foreign.set(path, found.foreign);
      continue;
    }
    if (isAddon(path)) addons.push(path);
    if (found.library !== undefined) libraries.push(found.library);
  }
  return { foreign, addons, libraries };
}

/** Says whether the target's program may load a native file, by its head and its name. */
export function mayLoad(directory: string, path: string, place: LoadPlace): boolean {
  return readNativeFile(directory, path, place).foreign === undefined;
}

function readNativeFile(
  directory: string,
  path: string,
  place: LoadPlace,
): { readonly foreign: Foreign | undefined; readonly library?: LibraryFile } {
  if (TEXT.test(path)) return { foreign: foreignTo(path, undefined, place) };
  return withNativeFile(join(directory, path), (file) => ({
    foreign: foreignTo(path, file, place),
    ...(file.kind === "elf" ? { library: { path, soname: file.soname, needed: file.needed } } : {}),
  }));
}

interface Owner {
  /** Its directory, relative to node_modules. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Names of the externals that need it. */
  readonly neededBy: readonly string[];
}

/** A package of which every addon is foreign, so that it has none to load for the target. */
export interface Unserved extends Owner {
  /** What its addons are, without repetitions: "a macOS arm64 module". */
  readonly has: readonly string[];
}

/**
 * Finds the packages of which every addon is foreign. Packages that are made for one platform are none: a package manager
 * may install the one for another platform too, when it cannot tell them apart.
 */
export function findUnserved(
  { foreign, addons }: Pick<NativeFiles, "foreign" | "addons">,
  ownerOf: (path: string) => Owner | undefined,
): Unserved[] {
  const served = new Set(addons.map((path) => ownerOf(path)));
  const has = new Map<Owner, Set<string>>();
  for (const [path, { what }] of foreign) {
    const owner = isAddon(path) ? ownerOf(path) : undefined;
    if (owner === undefined || served.has(owner) || isPlatformPackage(owner.name, {})) continue;
    has.set(owner, new Set([...(has.get(owner) ?? []), what]));
  }
  return [...has].map(([owner, what]) => Object.assign({ has: [...what] }, owner));
}

function isAddon(path: string): boolean {
  return path.endsWith(".node");
}

/**
 * Decides which of a tree's native files are left out.
 * @param staying paths of the files that nothing else leaves out
 * @param isKept whether `gantry.keep` names a path
 */
export function leaveOutNative(
  { foreign, libraries }: NativeFiles,
  staying: ReadonlySet<string>,
  isKept: (path: string) => boolean,
): ReadonlyMap<string, PruneReason> {
  const reasons = new Map<string, PruneReason>();
  for (const [path, { kind }] of foreign) {
    if (!isKept(path))
      reasons.set(path, kind === "platform" ? "other platforms' binaries" : "other runtimes' binaries");
  }
  const remaining = libraries.filter(({ path }) => staying.has(path));
  const kept = new Set(remaining.map(({ path }) => path).filter((path) => isKept(path)));
  for (const path of findAccelerated(remaining, kept)) reasons.set(path, "binaries for graphics cards");
  return reasons;
}
