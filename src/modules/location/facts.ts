/**
 * What is known of the places where a tree may lie, before one is chosen. Nothing is written: whether code can be
 * mapped is asked only where a tree is about to be made (ensure.ts), because that takes a file.
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

/** Why a place cannot be used, in words that follow its path. */
export interface Reason {
  readonly code: ErrorCode;
  readonly text: string;
}

export interface CandidateFacts {
  readonly candidate: Candidate;
  readonly location: TreeLocation;
  /** Neither to be read nor to be written. */
  readonly refused: Reason | undefined;
  /** A tree lies there; `ready` when it has been proven for this release on this host. */
  readonly tree: "absent" | "present" | "ready";
  /** No tree can be made there, as far as can be told without writing. */
  readonly unwritable: Reason | undefined;
}

export interface LocationFacts {
  readonly beside: {
    readonly location: TreeLocation;
    readonly tree: "absent" | "present" | "ready";
    readonly unwritable: Finding | undefined;
  };
  /** Empty where nobody asked, because there is a place beside the release. */
  readonly candidates: readonly CandidateFacts[];
}

export interface Owner {
  /** The effective user id. */
  readonly uid: number;
  /** The release's root directory, by every name that it is started by. */
  readonly roots: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The place of a release's tree in a store. */
function locationInStore(release: Release, { directory, variable }: Candidate): TreeLocation {
  const store = join(directory, STORE_NAME);
  return Object.freeze({
    ...locationAt(join(store, storeTreeName(release.manifest.modules))),
    store,
    variable,
  });
}

/** The place of whatever tree lies in a directory. */
export function locationAt(parent: string): TreeLocation {
  const modules = join(parent, NAMES.modules);
  return { modules, parent, stamps: join(modules, NAMES.stamps), lock: join(parent, NAMES.lock) };
}

/**
 * @param need `read`: a tree that is there will do; `write`: one has to be made
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

/** A store is used where nobody but root and this user can change what lies in it. */
export function untrustedReason(
  candidate: Candidate,
  location: TreeLocation,
  uid: number,
): Reason | undefined {
  const directories = [candidate.directory, dirname(location.parent), location.parent];
  const [first] = readUnsafe({ directories, files: [] }, readPrincipal(uid));
  return first === undefined ? undefined : { code: "STORE_UNSAFE", text: unsafeLine(first) };
}

/** Looks at the nearest directory that is there: the rest would be made in it. */
function unwritableReason(location: TreeLocation): Reason | undefined {
  const path = nearestDirectory(location.parent);
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return describeError(error, path);
  }
}

/** A file system's error in a word or two. */
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

/** Block size to round up to; larger than a small file, so that many of them are not underrated. */
const BLOCK = 4096;

/** What a work directory and a finished tree take at most, together. */
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

/** Some file systems (btrfs, tmpfs with nr_inodes=0) count no inodes and say 0 of 0: then there is no limit. */
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

/** None where this user may not even look. */
function isOpenDirectory(path: string): boolean {
  return unlessRefused(() => isDirectory(path)) ?? false;
}
