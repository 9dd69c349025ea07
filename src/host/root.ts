/**
 * Files of a host whose root directory may be anywhere: "/" for this machine, or an unpacked image. Symbolic links are
 * followed inside that root, so an image's absolute links never lead to this machine. Returns undefined for what is
 * missing or unreadable, and never throws for a path.
 */
import { readdirSync, readlinkSync, lstatSync } from "node:fs";
import { join, posix } from "node:path";
import { openSource, type FileSource } from "./file-source.ts";
import { readRegularFile, readRegularText } from "../base/files/index.ts";

export interface HostRoot {
  /** The directory on this machine that is "/" of the host. */
  readonly directory: string;
  /** The host path with every link resolved. Undefined when it does not exist. */
  resolve(path: string): string | undefined;
  readBytes(path: string): Uint8Array | undefined;
  readText(path: string): string | undefined;
  /** Names in a directory, sorted; empty when it cannot be read. */
  list(path: string): readonly string[];
  /** An open source that the caller closes. */
  open(path: string): FileSource | undefined;
}

/** As in the kernel (path_resolution(7)). */
const MAX_LINKS = 40;

export function hostRoot(directory = "/"): HostRoot {
  const outside = (path: string): string => (directory === "/" ? path : join(directory, path));
  const resolved = new Map<string, string | undefined>();
  const targets = new Map<string, string | undefined>();
  const target = (path: string): string | undefined => {
    if (!targets.has(path)) targets.set(path, linkTarget(outside(path)));
    return targets.get(path);
  };
  const resolve = (path: string): string | undefined => {
    if (!resolved.has(path)) resolved.set(path, resolveLinks(path, target));
    return resolved.get(path);
  };
  const attempt = <T>(path: string, read: (real: string) => T): T | undefined => {
    const real = resolve(path);
    if (real === undefined) return undefined;
    try {
      return read(outside(real));
    } catch {
      return undefined;
    }
  };
  return {
    directory,
    resolve,
    readBytes: (path) => attempt(path, (real) => readRegularFile(real)),
    readText: (path) => attempt(path, (real) => readRegularText(real)),
    list: (path) => attempt(path, (real) => readdirSync(real).toSorted()) ?? [],
    open: (path) => attempt(path, openSource),
  };
}

function resolveLinks(path: string, targetOf: (path: string) => string | undefined): string | undefined {
  let pending = path.split("/").filter((part) => part !== "");
  let current = "/";
  let links = 0;
  for (;;) {
    const [part, ...rest] = pending;
    if (part === undefined) return current;
    pending = rest;
    const next = posix.join(current, part);
    const target = targetOf(next);
    if (target === undefined) return undefined;
    if (target === "") {
      current = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    if (target.startsWith("/")) current = "/";
    pending = [...target.split("/").filter((piece) => piece !== ""), ...pending];
  }
}

/** The target of a link, "" for what is not a link, undefined for what does not exist or cannot be read. */
function linkTarget(path: string): string | undefined {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    return stat.isSymbolicLink() ? readlinkSync(path) : "";
  } catch {
    return undefined;
  }
}
