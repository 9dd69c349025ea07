/**
 * Opening what somebody else may have put there. A pipe, socket or device in the place of a file is refused at once:
 * reading one could wait for ever, or never end. What the caller handed over as an open descriptor (/dev/stdin,
 * `<(…)`) may be a pipe on purpose, and /dev/null is an empty file. Errors are the file system's, or look like it.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";

/** open(2): without O_NONBLOCK the opening of a pipe waits for somebody who writes; files do not know it. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;
/** Linux, Documentation/admin-guide/devices.txt: character device 1,3. */
const NULL_DEVICE = (1 << 8) | 3;
const OWN_DESCRIPTOR = /^\/(?:dev\/(?:stdin$|fd\/\d+$)|proc\/(?:self|\d+)\/fd\/\d+$)/;

/**
 * Opens a file for reading; the caller closes the descriptor.
 * @throws EINVAL for a pipe, socket or device, EISDIR for a directory, and what open(2) says
 */
export function openRegularFile(path: string): number {
  if (OWN_DESCRIPTOR.test(path)) return openSync(path, "r");
  let descriptor: number;
  try {
    descriptor = openSync(path, READ);
  } catch (error) {
    // ENXIO: open(2) of a socket.
    throw error instanceof Error && "code" in error && error.code === "ENXIO"
      ? refusal(path, "a socket")
      : error;
  }
  const stats = fstatSync(descriptor);
  if (stats.isFile() || (stats.isCharacterDevice() && stats.rdev === NULL_DEVICE)) return descriptor;
  closeSync(descriptor);
  throw refusal(path, kindOf(stats));
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
  if (stats.isFIFO()) return "a pipe";
  return stats.isSocket() ? "a socket" : "a device";
}

function refusal(path: string, kind: string): Error {
  const code = kind === "a directory" ? "EISDIR" : "EINVAL";
  return Object.assign(new Error(`${code}: this is ${kind}, and a file is needed`), { code, path });
}
