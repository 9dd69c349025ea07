/**
 * Reads facts about a tree: whether it exists, its stamp for this host, and the modification times of the watched files.
 * It is the same check as the stub's (templates/brain.sh), and reads no file's contents.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  absentName,
  availableExternals,
  type ExternalModule,
  hostId,
  LIBC_MARKS,
  stampName,
  wantedModules,
} from "../../release/index.ts";
import type { TreeLocation, Release } from "../release/unpacked.ts";
import { isSameSystem, watchedPrograms } from "./host-node.ts";
import { readRegularText, unlessRefused } from "../../base/files/index.ts";

export interface TreeFacts {
  /** The modules directory exists, or none is needed. */
  readonly tree: boolean;
  /** A stamp for this release and this host exists. */
  readonly stamp: boolean;
  /** Watched files that changed after the stamp was written. */
  readonly newer: readonly string[];
  /** Native files that should be there and are not. */
  readonly missing: readonly string[];
  /** Optional externals that the stamp says this host goes without. */
  readonly absent: readonly string[];
}

/** Identifies this host, see hostId; missing files are allowed. */
export function readHostId(): string {
  return hostId({ machineId: readFact("/etc/machine-id"), osRelease: readFact("/etc/os-release") });
}

function readFact(path: string): string | undefined {
  return unlessRefused(() => readRegularText(path));
}

/** Modification time in nanoseconds, links followed; undefined when there is no such file. */
function readChanged(path: string): bigint | undefined {
  return unlessRefused(() => statSync(path, { bigint: true }).mtimeNs);
}

/** An external's index in the manifest's list, which is part of the name of its marker, see absentName. */
export function externalIndex(release: Release, name: string): number {
  return release.manifest.externals.findIndex((external) => external.name === name);
}

/** The native files that a tree with these externals must hold, absolute. */
function nativeFiles(
  release: Release,
  location: TreeLocation,
  included: readonly ExternalModule[],
): string[] {
  const names = new Set(included.map((external) => external.name));
  return release.manifest.native
    .filter((file) => file.neededBy.some((name) => names.has(name)))
    .map((file) => join(location.modules, file.path));
}

/** Files that must not be newer than the stamp. */
export function watchedFiles(
  release: Release,
  location: TreeLocation,
  included: readonly ExternalModule[],
): readonly string[] {
  return [...LIBC_MARKS, ...watchedPrograms(release), ...nativeFiles(release, location, included)];
}

/** The newest modification time among the files that exist, in nanoseconds; 0 when none does. */
export function readNewest(paths: readonly string[]): bigint {
  let newest = 0n;
  for (const path of paths) {
    const changed = readChanged(path) ?? 0n;
    if (changed > newest) newest = changed;
  }
  return newest;
}

export function readTreeFacts(release: Release, location: TreeLocation, host: string): TreeFacts {
  const stamped = readChanged(join(location.stamps, stampName(release.id, host)));
  const absent = availableExternals(release.manifest).filter(
    (external) =>
      external.optional &&
      existsSync(join(location.stamps, absentName(release.id, host, externalIndex(release, external.name)))),
  );
  const included = availableExternals(release.manifest).filter((external) => !absent.includes(external));
  const native = nativeFiles(release, location, included);
  return Object.freeze({
    tree: existsSync(location.modules) || wantedModules(release.manifest).length === 0,
    stamp: stamped !== undefined && isSameSystem(release, location, host),
    newer:
      stamped === undefined
        ? []
        : watchedFiles(release, location, included).filter((path) => (readChanged(path) ?? 0n) > stamped),
    missing: native.filter((path) => !existsSync(path)),
    absent: absent.map((external) => external.name),
  });
}
