/**
 * Removes trees that may have other file systems mounted inside. A mount inside keeps the whole tree. rm(1) walks by
 * open directories (fts(3)), so it follows no link, whenever the link was made.
 */
import { lstatSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { unlessMissing } from "../../base/files/index.ts";
import { runOrThrow } from "../../base/process/index.ts";

/** The mount points of this process, in the order of /proc/self/mountinfo (proc(5)): the fifth field, spaces in octal. */
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
  /** The path itself is a mount point. */
  readonly at: boolean;
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
 * Removes a tree. A link is removed, and its target stays.
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
