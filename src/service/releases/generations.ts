/** The generations of a service on the disk, and the two links that choose between them. */
import { lstatSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { errorCode, isMissing } from "../../base/errors.ts";
import { readEntries, readNames, syncPath, unlessRefused } from "../../base/files/index.ts";
import { NAMES } from "../../release/index.ts";
import { generationVersion, type ServiceLayout } from "../service-layout.ts";

/** The generations in releases/, without work directories, in the order of the directories' ctime (stat(2)). */
export function readGenerations(layout: ServiceLayout): string[] {
  const made = new Map(
    readNames(layout.releases)
      .filter((name) => generationVersion(name) !== undefined)
      .map((name) => [name, lstatSync(join(layout.releases, name)).ctimeMs]),
  );
  return [...made.keys()].toSorted((a, b) => (made.get(a) ?? 0) - (made.get(b) ?? 0));
}

/** The name of the generation that a link leads to. Null when there is nothing at the path, or no link. */
export function readLink(link: string): string | null {
  try {
    return basename(readlinkSync(link));
  } catch (error) {
    if (isMissing(error) || errorCode(error) === "EINVAL") return null;
    throw error;
  }
}

/** Points a link to another generation by one rename, so that every reader finds either the old or the new target. */
export async function switchLink(layout: ServiceLayout, link: string, generation: string): Promise<void> {
  const draft = `${link}.${randomBytes(6).toString("hex")}`;
  symlinkSync(join(basename(layout.releases), generation), draft);
  try {
    renameSync(draft, link);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  await syncPath(dirname(link));
}

/** Removes a generation. Its directory is renamed first, so no incomplete directory has a generation's name. */
export async function removeGeneration(layout: ServiceLayout, generation: string): Promise<void> {
  const aside = join(layout.releases, `${NAMES.old}${randomBytes(8).toString("hex")}`);
  try {
    renameSync(join(layout.releases, generation), aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await syncPath(layout.releases);
  rmSync(aside, { recursive: true, force: true });
}

/** Removes what interrupted runs left: work directories, generations being removed, drafts of links. */
export function removeResidue(layout: ServiceLayout): void {
  for (const name of readNames(layout.releases)) {
    const dead = name.startsWith(NAMES.work) || name.startsWith(NAMES.old);
    if (dead) rmSync(join(layout.releases, name), { recursive: true, force: true });
  }
  for (const name of readNames(layout.opt)) {
    const draft = /^(?:current|fallback)\.[0-9a-f]{12}$/.test(name);
    if (draft) rmSync(join(layout.opt, name), { force: true });
  }
}

/** The sum of the sizes of the files in a directory tree, in bytes. Links are not followed. */
export function sizeOf(path: string): number {
  let bytes = 0;
  for (const entry of unlessRefused(() => readEntries(path)) ?? []) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) bytes += sizeOf(inner);
    else bytes += lstatSync(inner, { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
