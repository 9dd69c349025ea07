/**
 * Removes from the stores what no installed release uses: stale files, and trees whose releases are gone or have their
 * modules beside them now. A tree stays when a release that uses it belongs to another host or cannot be read, or when a
 * process runs from it. A tree is renamed before it is deleted, so that no start sees a partly deleted one.
 */
import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorCode, isMissing } from "../../base/errors.ts";
import { NAMES, parseCandidates, releaseId, stampName, STORE_NAME } from "../../release/index.ts";
import { readHostId } from "../proof/tree-facts.ts";
import { lockIfFree, cleanStaleFiles } from "../tree/stale-files.ts";
import { checkWritable, removeQuietly } from "../tree/work.ts";
import { locationAt, untrustedReason, type Owner } from "./facts.ts";
import { readReferences, type Reference } from "./reference.ts";
import { readNames, readRegularText, unlessRefused } from "../../base/files/index.ts";

export interface CleanedTree {
  readonly path: string;
  readonly bytes: number;
  /** `unused`: a run with the intent `remove` would remove it. */
  readonly state: "removed" | "unused" | "kept";
  /** Why it stays or is removed, in words for people. */
  readonly why: string;
}

export interface CleanOptions {
  readonly owner: Owner;
  readonly signal: AbortSignal;
  /** `look` changes nothing. */
  readonly intent: "remove" | "look";
}

/**
 * Cleans every store that the environment names and that this user owns.
 * @throws the signal's reason; the file system's error
 */
export async function cleanStores(options: CleanOptions): Promise<CleanedTree[]> {
  const cleaned: CleanedTree[] = [];
  for (const candidate of parseCandidates(options.owner.environment)) {
    const store = join(candidate.directory, STORE_NAME);
    if (candidate.refused !== undefined || cleaned.some(({ path }) => dirname(path) === store)) continue;
    for (const name of unlessRefused(() => readNames(store)) ?? []) {
      const path = join(store, name);
      const location = locationAt(path);
      if (lstatSync(path).uid !== options.owner.uid) continue;
      if (untrustedReason(candidate, location, options.owner.uid) !== undefined) continue;
      if (/^[0-9a-f]{32}$/.test(name)) cleaned.push(await cleanTree(path, options));
      else if (name.startsWith(NAMES.old) && options.intent === "remove") removeQuietly(path);
    }
  }
  return cleaned;
}

async function cleanTree(path: string, options: CleanOptions): Promise<CleanedTree> {
  const bytes = readSize(path);
  const used = useOf(path);
  if (used !== undefined) {
    if (options.intent === "remove") await cleanStaleFiles(locationAt(path), options.signal);
    return { path, bytes, state: "kept", why: used };
  }
  const why = "no installed release uses it";
  if (options.intent === "look") return { path, bytes, state: "unused", why };
  const unwritable = checkWritable(locationAt(path));
  if (unwritable !== undefined) return { path, bytes, state: "kept", why: "this user may not remove it" };
  const lock = await lockIfFree(join(path, NAMES.lock), options.signal);
  if (lock === undefined) return { path, bytes, state: "kept", why: "it is being prepared" };
  try {
    const again = takeAside(path);
    return again === undefined
      ? { path, bytes, state: "removed", why }
      : { path, bytes, state: "kept", why: again };
  } finally {
    lock.release();
  }
}

/**
 * Removes a tree that is not used. A release may write its reference while the tree is renamed; then the tree is renamed
 * back.
 * @returns why it stays; undefined when it was removed
 */
function takeAside(path: string): string | undefined {
  const used = useOf(path);
  if (used !== undefined) return used;
  const aside = join(dirname(path), `${NAMES.old}${randomBytes(8).toString("hex")}`);
  renameSync(path, aside);
  const late = referenced(aside);
  if (late !== undefined && !existsSync(path)) {
    renameSync(aside, path);
    return late;
  }
  removeQuietly(aside);
  return undefined;
}

/** Why a tree counts as used, in words; undefined when it is not used. */
function useOf(path: string): string | undefined {
  return referenced(path) ?? (isRunning(path) ? "a process runs from it" : undefined);
}

function referenced(path: string): string | undefined {
  let references: readonly Reference[];
  try {
    references = readReferences(path);
  } catch (error) {
    return `the notes of who uses it cannot be read (${errorCode(error) ?? "unknown"})`;
  }
  const host = readHostId();
  for (const reference of references) {
    const use = useBy(reference, host);
    if (use !== undefined) return use;
  }
  return undefined;
}

function useBy({ root, release, host: noted }: Reference, host: string): string | undefined {
  if (noted !== host) return `used by ${root} on another host (${noted})`;
  try {
    if (releaseId(readRegularText(join(root, NAMES.manifest))) !== release) return undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    return `used by ${root}, which cannot be read (${errorCode(error) ?? "unknown"})`;
  }
  // A release with its own proven tree starts from that one.
  const own = join(root, NAMES.modules, NAMES.stamps, stampName(release, host));
  return existsSync(own) ? undefined : `used by ${root}`;
}

/** Whether a process runs from the tree, by its environment and its mapped files (proc(5)), where this user may read them. */
function isRunning(path: string): boolean {
  const modules = `${join(path, NAMES.modules)}`;
  return readNames("/proc").some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    return (
      readFact(pid, "environ").includes(`GANTRY_MODULES=${modules}\0`) ||
      readFact(pid, "maps").includes(`${modules}/`)
    );
  });
}

/** Empty for another user's process, and for one that has just ended. */
function readFact(pid: string, name: string): string {
  return unlessRefused(() => readRegularText(`/proc/${pid}/${name}`)) ?? "";
}

function readSize(path: string): number {
  const read = () => {
    const facts = lstatSync(path);
    if (!facts.isDirectory()) return facts.size;
    return readdirSync(path).reduce((sum, name) => sum + readSize(join(path, name)), 0);
  };
  return unlessRefused(read) ?? 0;
}
