/**
 * Removes trees in which other file systems may be mounted. If one is mounted, nothing of the tree is removed. rm(1)
 * removes the tree. It goes from directory to directory by open descriptors (fts(3)), so it follows no link, not even
 * one that another process makes meanwhile.
 */
import { lstatSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { unlessMissing } from "../../base/files/index.ts";
import { runOrThrow } from "../../base/process/index.ts";

/**
 * The mount points in the text of /proc/self/mountinfo, in its order: the fifth fields, with spaces in octal (proc(5)).
 */
export function parseMountPoints(mountinfo: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((path) => path !== "")
    .map((path) =>
      path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8))),
    );
}

export interface Mounts {
  /** Whether the path itself is a mount point. */
  readonly at: boolean;
  /** The mount points inside it. */
  readonly below: readonly string[];
}

/** What is mounted at a path or below it. Links in the path are resolved first. */
export function readMounts(path: string): Mounts {
  const real = unlessMissing(() => realpathSync(path)) ?? path;
  const points = parseMountPoints(readFileSync("/proc/self/mountinfo", "utf8"));
  const inside = real === "/" ? real : `${real}/`;
  return {
    at: points.includes(real),
    below: points.filter((point) => point !== real && point.startsWith(inside)),
  };
}

/**
 * Removes a tree or a file. Of a link, only the link is removed.
 * @returns the mount points that kept the tree; when there are any, nothing was removed
 * @throws GantryError EXEC_FAILED with what rm(1) said
 */
export async function removeTree(path: string): Promise<readonly string[]> {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return [];
  if (!facts.isDirectory()) {
    rmSync(path, { force: true });
    return [];
  }
  const { at, below } = readMounts(path);
  if (at || below.length > 0) return at ? [path, ...below] : below;
  await runOrThrow("rm", ["-rf", "--one-file-system", "--", path]);
  return [];
}
