/**
 * Reads an unpacked release: its manifest and its paths, and checks its own program by header and size. `verify` hashes
 * everything. Nothing is written.
 */
import { closeSync, fstatSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import { GantryError, isMissing, type Finding } from "../../base/errors.ts";
import { machineName } from "../../elf/index.ts";
import {
  type Manifest,
  manifestTarget,
  NAMES,
  parseManifest,
  programPath,
  releaseId,
  releaseLayout,
  type ReleaseLayout,
  runsOnSystem,
  type StoreVariable,
  type Target,
} from "../../release/index.ts";
import { openRegularFile, readOptionalText } from "../../base/files/index.ts";

export interface Release {
  readonly layout: ReleaseLayout;
  readonly manifest: Manifest;
  /** See releaseId. */
  readonly id: string;
  readonly target: Target;
  /** The host's own Node, for releases that bring no runtime. */
  readonly system?: RunningProgram;
}

export interface RunningProgram {
  /** Absolute, with no link in it: process.execPath. */
  readonly path: string;
  /** The first `node` on the PATH, which may be a link or a version manager's shim; `path` when there is none. */
  readonly found: string;
}

/** Where a prepared tree lies, as absolute paths. A rename into `modules` must not cross a file system. */
export interface TreeLocation {
  /** The node_modules directory. */
  readonly modules: string;
  /** The directory of `modules`, which also holds work directories and the lock. */
  readonly parent: string;
  readonly stamps: string;
  readonly lock: string;
  /** The store's own directory; several releases share its trees. Undefined beside the release. */
  readonly store?: string;
  /** The environment variable that names the store. */
  readonly variable?: StoreVariable;
}

const UNPACK = "unpack the release archive again, all of it, into an empty directory";

/**
 * Reads the release in `root`.
 * @param running the program of this process, for releases that bring no runtime
 * @throws GantryError RELEASE_FILE_MISSING without lib/release.json, MANIFEST_INVALID when it cannot be used
 */
export function readRelease(root: string, running?: RunningProgram): Release {
  const path = join(root, NAMES.manifest);
  const text = readOptionalText(path);
  if (text === undefined) {
    throw new GantryError({
      code: "RELEASE_FILE_MISSING",
      what: "lib/release.json is not there, so nothing is known of this release",
      where: path,
      fix: UNPACK,
    });
  }
  const manifest = parseManifest(text, path);
  return Object.freeze({
    layout: releaseLayout(root, manifest, running?.path),
    manifest,
    id: releaseId(text),
    target: manifestTarget(manifest),
    ...(runsOnSystem(manifest.runtime) && running !== undefined ? { system: running } : {}),
  });
}

/** The location beside the release. */
export function locationInRelease(layout: ReleaseLayout): TreeLocation {
  return Object.freeze({
    modules: layout.modules,
    parent: dirname(layout.modules),
    stamps: layout.stamps,
    lock: layout.lock,
  });
}

/**
 * Checks the release's own program by its header and size; undefined when both are right. Hashing 100 MB would slow the
 * start down. `strip` changes the size, and the load probe finds a program that does not work.
 */
export function checkExecutable(release: Release): Finding | undefined {
  const name = programPath(release.manifest);
  const built = release.manifest.executable;
  if (name === undefined || built === undefined) return undefined;
  const where = release.layout.executable;
  let header: Buffer;
  let size: number;
  try {
    ({ header, size } = readHeader(where));
  } catch (error) {
    if (!isMissing(error)) throw error;
    return { code: "RELEASE_FILE_MISSING", what: `${name} is not there`, where, fix: UNPACK };
  }
  const machine = machineOf(header);
  if (release.target.os === "linux" && machine !== release.target.arch) {
    const found = machine === undefined ? "no program for Linux" : `a program for ${machine}`;
    const what = `${name} is ${found}, this release is for ${release.target.arch}`;
    return { code: "DIGEST_MISMATCH", what, where, fix: UNPACK };
  }
  if (size === built.size) return undefined;
  return {
    code: "DIGEST_MISMATCH",
    what: `${name} was stripped or replaced: it has ${size} bytes, the release was built with ${built.size}`,
    where,
    fix: `${UNPACK}; leave ${name} alone (strip removes the app from a compiled one)`,
  };
}

function readHeader(path: string): { header: Buffer; size: number } {
  const descriptor = openRegularFile(path);
  try {
    const header = Buffer.alloc(20);
    readSync(descriptor, header, 0, header.length, 0);
    return { header, size: fstatSync(descriptor).size };
  } finally {
    closeSync(descriptor);
  }
}

function machineOf(header: Buffer): string | undefined {
  if (header.toString("latin1", 0, 4) !== "\u007fELF") return undefined;
  // EI_CLASS and e_machine (ELF gABI, "ELF Header").
  return machineName(header.readUInt16LE(18), header[4] === 2);
}

/** A finding when the release is for another system or architecture. */
export function checkMachine(release: Release, host: { os: string; arch: string }): Finding | undefined {
  const { os, arch, name } = release.target;
  if (os === host.os && arch === host.arch) return undefined;
  return {
    code: "HOST_UNSUPPORTED",
    what: `this release is for ${name}, this host is ${host.os}-${host.arch}`,
    fix: `take the ${host.os}-${host.arch} release of ${release.manifest.name}`,
  };
}
