/**
 * Writes files that survive a power cut: contents reach the disk before the name does. rename(2) does not order the
 * two: in tests, a file renamed without fsync had the wrong size after every power cut. The service's history is not
 * written here, because lines are only appended to it. A build's archives and bundles can be made again, so that they
 * are written without fsync.
 */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "../errors.ts";

/** The files and directories of a tree, relative to its root; a directory comes after its contents. */
export interface TreeListing {
  readonly files: readonly string[];
  readonly directories: readonly string[];
}

/** The number of files synced at once: enough for a journalling file system to batch them. */
const AT_ONCE = 8;

/**
 * Flushes one file or directory to the disk. EINVAL is ignored: some network and FUSE file systems return it for a
 * directory.
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

/** Flushes every file of a tree. The caller flushes the directories afterwards. */
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
 * Writes a file so that its path has either the whole new text or what was there before, also after a power cut.
 * @param mode the file's permission bits, which the umask does not change
 * @param changed the modification time it gets, in seconds since the epoch; now when left out
 */
export async function writeDurably(
  path: string,
  text: string,
  mode: number,
  changed?: number,
): Promise<void> {
  const draft = join(dirname(path), `.draft-${randomBytes(6).toString("hex")}`);
  await create(draft, text, mode, changed);
  try {
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncPath(dirname(path));
}

/** Writes a new file and flushes it. Throws EEXIST when the name is taken, also by a dangling link. */
export async function createDurably(path: string, text: string, mode: number): Promise<void> {
  await create(path, text, mode);
  await syncPath(dirname(path));
}

async function create(path: string, text: string, mode: number, changed?: number): Promise<void> {
  const handle = await open(path, "wx", mode);
  try {
    await handle.writeFile(text);
    await handle.chmod(mode);
    if (changed !== undefined) await handle.utimes(changed, changed);
    await handle.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Removes a file if it exists, and flushes its directory. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncPath(dirname(path));
}
