/** One change of a service at a time; and whoever comes next first puts in order what a dead one left. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { LOCK_LIMITS, takeLock } from "../provision/lock.ts";
import type { ServiceContext } from "./context.ts";
import { ensureDirectory } from "./generations.ts";
import { recoverChange } from "./recover.ts";

/**
 * Runs `work` with the service's lock held and no interrupted change on record.
 * @throws GantryError LOCK_TIMEOUT; what recovery and the work throw
 */
export async function withService<T>(
  context: ServiceContext,
  work: (recovered: Awaited<ReturnType<typeof recoverChange>>) => Promise<T>,
): Promise<T> {
  const { layout, reporter, signal } = context;
  mkdirSync(dirname(layout.lock), { recursive: true });
  let said = false;
  const lock = await takeLock(layout.lock, {
    limits: LOCK_LIMITS,
    signal,
    done: () => false,
    waiting: (holder, milliseconds) => {
      if (said || milliseconds < 1000 || holder === undefined) return;
      said = true;
      reporter.step(`waiting for process ${holder.pid}, which is changing the service: ${holder.step}`);
    },
  });
  if (lock === undefined) throw new TypeError("a lock that nobody waits for");
  try {
    // Gantry's own directories: the outer one is anybody's to list, each service's is for root.
    ensureDirectory(dirname(layout.state), 0o755);
    ensureDirectory(layout.state, 0o700);
    return await work(await recoverChange(context));
  } finally {
    lock.release();
  }
}
