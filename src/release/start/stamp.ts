/**
 * The stamp: a file in a tree that says that the tree was proven on this host. Its name is `RELEASE-HOST`, so that the
 * stub needs one test and reads nothing. The host's name must be the same as in templates/machine-id.sh and os-release.sh.
 * The content is the verdict, for people.
 */

/** Hexadecimal digits of the manifest's SHA-256 that name a release. */
export const RELEASE_ID_LENGTH = 16;

/** The contents of /etc/machine-id and /etc/os-release; undefined where there is no such file. */
export interface HostFiles {
  readonly machineId: string | undefined;
  readonly osRelease: string | undefined;
}

/**
 * Identifies this host by facts that root, a service user and a hardened unit can all read. It is the machine id
 * (machine-id(5): 32 lower-case hexadecimal digits). Where that is missing, empty or `uninitialized`, as in most images,
 * it is the distribution's ID and VERSION_ID (os-release(5)), which stand for its C library. With neither it is
 * `unknown`. Never fails.
 */
export function hostId(files: HostFiles): string {
  const machine = firstLine(files.machineId);
  if (/^[0-9a-f]{32}$/.test(machine)) return machine;
  const id = osReleaseValue(files.osRelease, "ID");
  const version = osReleaseValue(files.osRelease, "VERSION_ID");
  return id === "" && version === "" ? "unknown" : `${id}-${version}`;
}

function firstLine(text: string | undefined): string {
  return text?.split("\n", 1)[0] ?? "";
}

/** The first assignment's value without quotes; empty when it is no plain word. */
function osReleaseValue(text: string | undefined, key: string): string {
  const line = text?.split("\n").find((candidate) => candidate.startsWith(`${key}=`));
  const raw = line?.slice(key.length + 1) ?? "";
  const value = /^(["'])(.*)\1$/.exec(raw)?.[2] ?? raw;
  return /^[A-Za-z0-9._-]*$/.test(value) ? value : "";
}

/** The stamp's file name. */
export function stampName(releaseId: string, host: string): string {
  return `${releaseId}-${host}`;
}

/** The name of a file beside the stamp: it marks an absent optional external, by its index in the manifest's list. */
export function absentName(releaseId: string, host: string, index: number): string {
  return `${stampName(releaseId, host)}.without-${index}`;
}

/**
 * The name of a file beside the stamp of a release that runs on the host's own Node. Its two lines, which the stub reads,
 * are the `node` on the PATH and the program that it leads to.
 */
export function systemName(releaseId: string, host: string): string {
  return `${stampName(releaseId, host)}.node`;
}

/** The directory of the notes, beside the stamps: see src/modules/proof/note.ts. */
export const NOTES = "checked";

/** A note's file name. */
export const NOTE = ".checked";

/** Comes between the two paths of a note for a tree in a store. */
export const NOTE_STORE = ".in";

/**
 * A note's path, relative to the directory of the stamps, as the stub makes it.
 * @param root the release's root directory, as it is started
 * @param store the tree's own directory in a store; undefined beside the release
 */
export function notePath(releaseId: string, host: string, root: string, store: string | undefined): string {
  const place = store === undefined ? root : `${root}/${NOTE_STORE}${store}`;
  return `${NOTES}/${stampName(releaseId, host)}${place}/${NOTE}`;
}

/**
 * Files that change when the C library does. A stamp older than one of them is not trusted: ldconfig rewrites
 * ld.so.cache after every library upgrade (ldconfig(8)), apk rewrites its database.
 */
export const LIBC_MARKS = ["/etc/ld.so.cache", "/lib/apk/db/installed"] as const;
