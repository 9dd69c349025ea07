/**
 * A copy of the service's data from before an upgrade, and the way back to it. The copy shares blocks with the original
 * where the file system can (`cp --reflink=auto`), and has its final name only once it is whole and on the disk.
 */
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../errors.ts";
import { syncPath } from "../provision/durable.ts";
import type { ServiceLayout } from "./layout.ts";
import { runOrThrow } from "./program.ts";

function draftOf(layout: ServiceLayout): string {
  return `${layout.snapshot}.draft`;
}

/** A copy that is whole. */
export function hasSnapshot(layout: ServiceLayout): boolean {
  return existsSync(layout.snapshot);
}

/** Copies the data; nothing may write to it meanwhile. A service that has no data yet gets no copy. */
export async function takeSnapshot(layout: ServiceLayout): Promise<boolean> {
  dropSnapshot(layout);
  if (!existsSync(layout.data)) return false;
  const draft = draftOf(layout);
  await runOrThrow("cp", ["-a", "--reflink=auto", "--", layout.data, draft]);
  // One call for the whole file system: the copy may hold any number of files.
  await runOrThrow("sync", ["-f", draft]);
  renameSync(draft, layout.snapshot);
  await syncPath(layout.state);
  return true;
}

export function dropSnapshot(layout: ServiceLayout): void {
  for (const path of [draftOf(layout), layout.snapshot]) rmSync(path, { recursive: true, force: true });
}

/**
 * Puts the copy in the data's place. What was written since is set aside, not deleted: somebody may have been told that
 * it was stored. Interrupted anywhere, it can be done again.
 */
export async function restoreSnapshot(layout: ServiceLayout): Promise<void> {
  if (!hasSnapshot(layout)) return;
  try {
    if (existsSync(layout.data)) {
      rmSync(layout.replaced, { recursive: true, force: true });
      renameSync(layout.data, layout.replaced);
    }
    renameSync(layout.snapshot, layout.data);
    await syncPath(join(layout.data, ".."));
    await syncPath(layout.state);
  } catch (error) {
    // A mount point, or another file system than gantry's own directory.
    if (!["EBUSY", "EXDEV"].includes(errorCode(error) ?? "")) throw error;
    await restoreByCopy(layout);
  }
}

async function restoreByCopy(layout: ServiceLayout): Promise<void> {
  rmSync(layout.replaced, { recursive: true, force: true });
  await runOrThrow("cp", ["-a", "--reflink=auto", "--", layout.data, layout.replaced]);
  for (const name of readdirSync(layout.data))
    rmSync(join(layout.data, name), { recursive: true, force: true });
  await runOrThrow("cp", ["-a", "--reflink=auto", "--", `${layout.snapshot}/.`, layout.data]);
  await runOrThrow("sync", ["-f", layout.data]);
  rmSync(layout.snapshot, { recursive: true, force: true });
}
