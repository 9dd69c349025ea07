/**
 * What the kernel says about a directory that gantry uses: its mount and options (proc(5), mountinfo), the free space,
 * owner and mode. For a path that does not exist yet, its nearest existing parent is described.
 */
import { readFileSync, statfsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { known, unknown, type DirectoryFacts, type Fact } from "./host-facts.ts";

export interface Mount {
  readonly point: string;
  readonly options: readonly string[];
  readonly fileSystem: string;
}

/** Parses /proc/self/mountinfo. Blanks in paths are octal escapes. */
export function parseMountInfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const [before, after] = line.split(" - ");
    const fields = before?.split(" ") ?? [];
    const [point, own] = [fields[4], fields[5]];
    const [fileSystem, , superOptions] = after?.split(" ") ?? [];
    if (point === undefined || own === undefined || fileSystem === undefined) continue;
    mounts.push({
      point: point.replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
      // Of the super block's options only `ro` counts, because noexec is a property of the mount.
      options: [...own.split(","), ...(superOptions?.split(",").includes("ro") === true ? ["ro"] : [])],
      fileSystem,
    });
  }
  return mounts;
}

/** The mounts of the running process; empty when /proc cannot be read, as in a hardened unit. */
export function readMounts(): Mount[] {
  try {
    return parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
  } catch {
    return [];
  }
}

/**
 * The mount that holds a path: the one with the longest mount point above it. Of several mounts at one point it is the
 * last.
 */
export function findMount(mounts: readonly Mount[], path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const below = mount.point === "/" || path === mount.point || path.startsWith(`${mount.point}/`);
    if (below && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best;
}

/** Describes a directory, or its nearest existing parent; undefined when its mount is not known. */
export function readDirectory(path: string, mounts: readonly Mount[]): DirectoryFacts | undefined {
  const existing = nearestExisting(resolve(path));
  const mount = findMount(mounts, existing);
  if (mount === undefined) return undefined;
  const stat = attempt(() => statSync(existing), existing);
  return {
    path,
    mountPoint: mount.point,
    fileSystem: mount.fileSystem,
    noexec: mount.options.includes("noexec"),
    readOnly: mount.options.includes("ro"),
    freeBytes: attempt(() => {
      const space = statfsSync(existing);
      return space.bavail * space.bsize;
    }, existing),
    uid: stat.known ? known(stat.value.uid, existing) : stat,
    mode: stat.known ? known(stat.value.mode & 0o7777, existing) : stat,
  };
}

function nearestExisting(path: string): string {
  for (let current = path; ; current = dirname(current)) {
    if (attempt(() => statSync(current), current).known || current === dirname(current)) return current;
  }
}

function attempt<T>(read: () => T, path: string): Fact<T> {
  try {
    return known(read(), path);
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}
