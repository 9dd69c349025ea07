/**
 * Reads facts about every location where a tree may lie, before one is chosen. Nothing is written. Whether code can be
 * mapped is checked in location/ensure.ts, because that check writes a file.
 */
import { accessSync, constants, realpathSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { isDirectory, unlessRefused } from "../../base/files/index.ts";
import { errorCode, toGantryError, type ErrorCode, type Finding } from "../../base/errors.ts";
import {
  type Candidate,
  NAMES,
  parseCandidates,
  STORE_NAME,
  storeTreeName,
  temporaryAbove,
  type TreeModule,
  wantedModules,
} from "../../release/index.ts";
import { formatBytes } from "../../base/text.ts";
import { readPrincipal, readUnsafe, unsafeLine } from "../../trust/index.ts";
import { readTreeState } from "../proof/tree-state.ts";
import { locationInRelease, type TreeLocation, type Release } from "../release/unpacked.ts";
import { checkWritable } from "../tree/work.ts";

/** Why a location cannot be used; `text` follows its path in a sentence. */
export interface Reason {
  readonly code: ErrorCode;
  readonly text: string;
}

export interface CandidateFacts {
  readonly candidate: Candidate;
  readonly location: TreeLocation;
  /** Set when the store may be neither read nor written. */
  readonly refused: Reason | undefined;
  /** `ready`: a tree that is proven for this release on this host; `present`: a tree that is not proven. */
  readonly tree: "absent" | "present" | "ready";
  /** Why no tree can be made there, as far as reading tells. */
  readonly unwritable: Reason | undefined;
}

export interface LocationFacts {
  readonly beside: {
    readonly location: TreeLocation;
    readonly tree: "absent" | "present" | "ready";
    readonly unwritable: Finding | undefined;
  };
  /** Empty when the location beside the release can be used: then no store is read. */
  readonly candidates: readonly CandidateFacts[];
}

export interface Owner {
  /** The effective user id. */
  readonly uid: number;
  /** The release's root directory, by every path that it is started by. */
  readonly roots: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The location of a release's tree in a store. */
function locationInStore(release: Release, { directory, variable }: Candidate): TreeLocation {
  const store = join(directory, STORE_NAME);
  return Object.freeze({
    ...locationAt(join(store, storeTreeName(release.manifest.modules))),
    store,
    variable,
  });
}

/** The location of a tree by the directory that holds its node_modules. */
export function locationAt(parent: string): TreeLocation {
  const modules = join(parent, NAMES.modules);
  return { modules, parent, stamps: join(modules, NAMES.stamps), lock: join(parent, NAMES.lock) };
}

/**
 * Reads the location beside the release, and the stores if that one cannot be used.
 * @param need `read`: an existing tree suffices; `write`: a tree has to be made
 */
export function readLocationFacts(release: Release, owner: Owner, need: "read" | "write"): LocationFacts {
  const location = locationInRelease(release.layout);
  const beside = {
    location,
    tree: readTreeState(release, location).state,
    unwritable: checkWritable(location),
  };
  const enough = beside.unwritable === undefined || (need === "read" && beside.tree !== "absent");
  if (enough) return { beside, candidates: [] };
  const candidates = parseCandidates(owner.environment);
  return { beside, candidates: candidates.map((candidate) => readCandidate(release, candidate, owner)) };
}

function readCandidate(release: Release, candidate: Candidate, owner: Owner): CandidateFacts {
  const location = locationInStore(release, candidate);
  const refused = refusalOf(candidate, location, owner);
  const tree = refused === undefined ? readTreeState(release, location).state : "absent";
  const unwritable = refused ?? unwritableReason(location) ?? roomReason(release, location);
  return { candidate, location, refused, tree, unwritable };
}

function refusalOf(candidate: Candidate, location: TreeLocation, owner: Owner): Reason | undefined {
  if (candidate.refused !== undefined) return { code: "STORE_UNWRITABLE", text: candidate.refused };
  const { directory } = candidate;
  if (!isOpenDirectory(directory) && !isOpenDirectory(dirname(directory))) {
    return { code: "STORE_UNWRITABLE", text: `${dirname(directory)} is not there` };
  }
  const real = unlessRefused(() => realpathSync(directory)) ?? directory;
  const temporary = temporaryAbove(real, owner.environment["TMPDIR"]);
  if (temporary !== undefined) {
    return { code: "STORE_UNWRITABLE", text: `it leads to ${real}, and ${temporary} is for temporary files` };
  }
  return untrustedReason(candidate, location, owner.uid);
}

/** Why users other than root and `uid` could change the store; undefined when they cannot. */
export function untrustedReason(
  candidate: Candidate,
  location: TreeLocation,
  uid: number,
): Reason | undefined {
  const directories = [candidate.directory, dirname(location.parent), location.parent];
  const [first] = readUnsafe({ directories, files: [] }, readPrincipal(uid));
  return first === undefined ? undefined : { code: "STORE_UNSAFE", text: unsafeLine(first) };
}

/** Checks write access to the nearest existing directory, in which the missing ones would be made. */
function unwritableReason(location: TreeLocation): Reason | undefined {
  const path = nearestDirectory(location.parent);
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return describeError(error, path);
  }
}

/** A file system's error as a reason. */
export function describeError(error: unknown, path: string): Reason {
  const { code } = toGantryError(error).findings[0];
  const name = errorCode(error) ?? "";
  switch (name) {
    case "EROFS":
      return { code: "STORE_UNWRITABLE", text: `the file system is read-only (${name})` };
    case "EACCES":
    case "EPERM":
      return { code: "STORE_UNWRITABLE", text: `this user may not write to ${path} (${name})` };
    case "ENOSPC":
    case "EDQUOT":
      return { code, text: `no space is left (${name})` };
    default:
      return { code: "STORE_UNWRITABLE", text: `${path} cannot be used (${name})` };
  }
}

/** Bytes to round each file's size up to, as file systems allocate whole blocks. */
const BLOCK = 4096;

/** The most that a work directory and the finished tree take together. */
export function neededRoom(modules: readonly TreeModule[]): {
  readonly bytes: number;
  readonly inodes: number;
} {
  let [bytes, inodes] = [0, 0];
  for (const { files } of modules) {
    for (const [size] of Object.values(files)) bytes += Math.ceil(size / BLOCK) * BLOCK;
    const directories = new Set(Object.keys(files).flatMap((path) => dirname(path).split("/")));
    inodes += Object.keys(files).length + directories.size + 1;
  }
  return { bytes: bytes * 2, inodes: inodes * 2 };
}

/** Why the disk is too small. Some file systems (btrfs, tmpfs with nr_inodes=0) report 0 inodes in all: no limit. */
function roomReason(release: Release, location: TreeLocation): Reason | undefined {
  const needed = neededRoom(wantedModules(release.manifest).map(([, module]) => module));
  try {
    const { bavail, bsize, files, ffree } = statfsSync(nearestDirectory(location.parent));
    const free = bavail * bsize;
    if (free < needed.bytes) {
      const text = `${formatBytes(free)} are free, and ${formatBytes(needed.bytes)} are needed`;
      return { code: "DISK_FULL", text };
    }
    if (files === 0 || ffree >= needed.inodes) return undefined;
    return { code: "DISK_FULL", text: `${ffree} inodes are free, and ${needed.inodes} are needed` };
  } catch (error) {
    return describeError(error, location.parent);
  }
}

function nearestDirectory(path: string): string {
  return isOpenDirectory(path) || path === dirname(path) ? path : nearestDirectory(dirname(path));
}

/** Whether this is a directory that this user may see. */
function isOpenDirectory(path: string): boolean {
  return unlessRefused(() => isDirectory(path)) ?? false;
}
