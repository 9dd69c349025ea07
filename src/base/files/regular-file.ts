/**
 * Opening what somebody else may have put there. A pipe, socket or device in the place of a file is refused at once:
 * reading one could wait for ever, or never end. What the caller handed over as an open descriptor (/dev/stdin,
 * `<(…)`) may be a pipe on purpose, and /dev/null is an empty file. Errors are the file system's, or look like it.
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
 * O_NONBLOCK: a pipe without a writer opens at once, and so does a file that another process has a lease on (fcntl(2),
 * F_SETLEASE). O_NOCTTY: a terminal does not become this process's own.
 */
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
/** Linux, Documentation/admin-guide/devices.txt: character device 1,3. */
const NULL_DEVICE = (1 << 8) | 3;
const OWN_DESCRIPTOR = /^\/(?:dev\/(?:stdin$|fd\/\d+$)|proc\/(?:self|\d+)\/fd\/\d+$)/;

/**
 * Opens a file for reading; the caller closes the descriptor.
 * @throws EINVAL for a pipe, socket or device, EISDIR for a directory, and what open(2) says
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
 * The same for a file of somebody who is not trusted. Devices are not even opened, and descriptors of this process are
 * no exception.
 * @throws EINVAL or ELOOP for a link where links are refused
 */
export function openPlainFile(path: string, links: "followed" | "refused"): OpenFile {
  const [look, flags] = links === "followed" ? [statSync, READ] : [lstatSync, READ | constants.O_NOFOLLOW];
  // Checked before opening, because opening a device has effects. If the file is exchanged in between, fstat refuses it.
  const seen = look(path);
  if (!seen.isFile()) throw refusal(path, kindOf(seen));
  return openJudged(path, flags, (stats) => stats.isFile());
}

function openJudged(path: string, flags: number, isWanted: (stats: Stats) => boolean): OpenFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, flags);
  } catch (error) {
    // ENXIO: open(2) of a socket.
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

/** All of a file, by its own descriptor. */
export function readRegularFile(path: string): Buffer {
  const descriptor = openRegularFile(path);
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The same as text in UTF-8. */
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
