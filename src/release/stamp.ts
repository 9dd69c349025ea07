/**
 * The stamp says "this tree was proven on this host". Its whole meaning is in its file name,
 * `RELEASE-HOST`, so that the stub finds it with one test and reads nothing: it must spell the host
 * exactly as templates/machine-id.sh and os-release.sh do. The file's content is the verdict, for people and for doctor.
 */

/** Hexadecimal digits of the manifest's SHA-256 that name a release. */
export const RELEASE_ID_LENGTH = 16;

/** What /etc/machine-id and /etc/os-release said; `undefined` where there is no such file. */
export interface HostFiles {
  readonly machineId: string | undefined;
  readonly osRelease: string | undefined;
}

/**
 * Names this host by facts that root, a service user and a hardened unit all read alike.
 * A machine id (machine-id(5): 32 lower-case hexadecimal digits) names it alone; where it is missing, empty or
 * `uninitialized`, as in most images, the distribution's ID and VERSION_ID (os-release(5)) stand for its C library.
 * Never fails: with neither, every such host is `unknown`.
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

/** The first assignment counts; quotes go, and anything that is no plain word makes the value empty. */
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

/** Beside the stamp: an optional module, by its place in the manifest's list, that this host goes without. */
export function absentName(releaseId: string, host: string, index: number): string {
  return `${stampName(releaseId, host)}.without-${index}`;
}

/**
 * Beside the stamp of a release that runs on the host's own Node: which one was proven, in two lines that the stub
 * reads, the `node` of the PATH and the program that it is.
 */
export function systemName(releaseId: string, host: string): string {
  return `${stampName(releaseId, host)}.node`;
}

/** Ends the name of the note beside a stamp: see src/modules/proof/note.ts. */
export const NOTE = ".by";

/** Beside the stamp: who looked at the way to the tree. */
export function noteName(releaseId: string, host: string): string {
  return `${stampName(releaseId, host)}${NOTE}`;
}

/**
 * A line of that note, as the stub spells it.
 * @param modules the tree's directory in a store; undefined beside the release
 */
export function noteLine(uid: number, root: string, modules: string | undefined): string {
  return `${uid === 0 ? "root" : "user"} ${root}${modules === undefined ? "" : `//${modules}`}`;
}

/**
 * Files that change when the C library does. A stamp older than one of them is not trusted: ldconfig rewrites
 * ld.so.cache after every library upgrade (ldconfig(8)), apk rewrites its database.
 */
export const LIBC_MARKS = ["/etc/ld.so.cache", "/lib/apk/db/installed"] as const;
