/**
 * Writing that survives a power cut: contents reach the disk before the name that vouches for them does.
 * (rename(2) orders nothing by itself; a file renamed without fsync had the wrong size after every power loss tried.)
 */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "../errors.ts";

/** What a tree holds, relative to its root; directories come after what lies in them. */
export interface TreeListing {
  readonly files: readonly string[];
  readonly directories: readonly string[];
}

/** How many files are synced at once: enough to let a journalling file system batch them. */
const AT_ONCE = 8;

/**
 * Flushes one file or directory.
 * Some network and FUSE file systems refuse to sync a directory (EINVAL); there is nothing more to be done there.
 */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    if (errorCode(error) !== "EINVAL") throw error;
  } finally {
    await handle.close();
  }
}

/** Flushes every file of a tree; its directories come afterwards. */
export async function syncFiles(root: string, { files }: TreeListing): Promise<void> {
  const waiting = [...files];
  const work = async () => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) await syncPath(join(root, path));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** Flushes every directory of a tree, the root last. */
export async function syncDirectories(root: string, { directories }: TreeListing): Promise<void> {
  for (const directory of directories) await syncPath(join(root, directory));
}

/** Flushes every file of a tree, then every directory, the root last. */
export async function syncTree(root: string, listing: TreeListing): Promise<void> {
  await syncFiles(root, listing);
  await syncDirectories(root, listing);
}

/**
 * Puts a whole file in place under its final name, or leaves what was there.
 * @param mode permission bits, whatever the umask
 * @param changed the modification time it gets, in seconds since the epoch; now when left out
 */
export async function writeDurably(
  path: string,
  text: string,
  mode: number,
  changed?: number,
): Promise<void> {
  const draft = join(dirname(path), `.draft-${randomBytes(6).toString("hex")}`);
  try {
    const handle = await open(draft, "wx", mode);
    try {
      await handle.writeFile(text);
      await handle.chmod(mode);
      if (changed !== undefined) await handle.utimes(changed, changed);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncPath(dirname(path));
}
