/**
 * Opens files that another user may have made. A pipe, socket or device is refused at once, because reading one could
 * wait for ever, or give data without end. Exceptions: an open descriptor that the caller passed (/dev/stdin, `<(…)`)
 * may be a pipe, and /dev/null is an empty file. All errors have the codes of file system errors.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  type Stats,
  statSync,
} from "node:fs";
import { errorCode } from "../errors.ts";

/**
 * With O_NONBLOCK, open(2) does not wait: not for a pipe's writer, and not for another process that has a lease on the
 * file (fcntl(2), F_SETLEASE). With O_NOCTTY, a terminal does not become the controlling terminal of this process.
 */
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
/** Linux, Documentation/admin-guide/devices.txt: character device 1,3. */
const NULL_DEVICE = (1 << 8) | 3;
const OWN_DESCRIPTOR = /^\/(?:dev\/(?:stdin$|fd\/\d+$)|proc\/(?:self|\d+)\/fd\/\d+$)/;

/**
 * Opens a file for reading; the caller closes the descriptor.
 * @throws EINVAL for a pipe, socket or device, EISDIR for a directory, and the errors of open(2)
 */
export function openRegularFile(path: string): number {
  if (OWN_DESCRIPTOR.test(path)) return openSync(path, "r");
  return openJudged(path, READ, (stats) => stats.isFile() || isNullDevice(stats)).descriptor;
}

/** An open file, with what fstat(2) says of it. */
export interface OpenFile {
  readonly descriptor: number;
  readonly stats: Stats;
}

/**
 * Opens a regular file of a user who is not trusted, for reading; the caller closes the descriptor. Unlike
 * openRegularFile it has no exceptions: it refuses /dev/null, and pipes among this process's descriptors.
 * @param links whether a link at the end of the path is followed
 * @throws EINVAL for a pipe, socket or device, EISDIR for a directory, EINVAL or ELOOP for a link where links are
 *   refused, and the errors of stat(2) and open(2)
 */
export function openPlainFile(path: string, links: "followed" | "refused"): OpenFile {
  const [look, flags] = links === "followed" ? [statSync, READ] : [lstatSync, READ | constants.O_NOFOLLOW];
  // Checked before opening, because opening a device can have effects. If the file is replaced in between, the check of
  // the open file (fstat(2)) refuses it.
  const seen = look(path);
  if (!seen.isFile()) throw refusal(path, kindOf(seen));
  return openJudged(path, flags, (stats) => stats.isFile());
}

function openJudged(path: string, flags: number, isWanted: (stats: Stats) => boolean): OpenFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, flags);
  } catch (error) {
    // open(2) of a socket fails with ENXIO.
    throw errorCode(error) === "ENXIO" ? refusal(path, "a socket") : error;
  }
  const stats = fstatSync(descriptor);
  if (isWanted(stats)) return { descriptor, stats };
  closeSync(descriptor);
  throw refusal(path, kindOf(stats));
}

function isNullDevice(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === NULL_DEVICE;
}

/** The whole contents of a regular file. */
export function readRegularFile(path: string): Buffer {
  const descriptor = openRegularFile(path);
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The whole contents of a regular file, as UTF-8 text. */
export function readRegularText(path: string): string {
  return readRegularFile(path).toString("utf8");
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isSymbolicLink()) return "a link";
  if (stats.isFIFO()) return "a pipe";
  return stats.isSocket() ? "a socket" : "a device";
}

function refusal(path: string, kind: string): Error {
  const code = kind === "a directory" ? "EISDIR" : "EINVAL";
  return Object.assign(new Error(`${code}: this is ${kind}, and a file is needed`), { code, path });
}
