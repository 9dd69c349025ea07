/** Allows one change of a service at a time, by a lock. An interrupted change is ended first. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { GantryError } from "../../base/errors.ts";
import { ensureDirectory } from "../../base/files/index.ts";
import { type Lock, LOCK_LIMITS, takeLock } from "../../modules/index.ts";
import type { ServiceContext } from "../service-context.ts";
import type { ServiceLayout } from "../service-layout.ts";
import { recoverChange } from "./recover.ts";

/**
 * Takes the lock of the service, ends an interrupted change, and runs `work`.
 * @param work called with a context whose `requireLock` checks this lock, and with the result of the recovery
 * @throws GantryError LOCK_TIMEOUT; the errors of the recovery and of `work`
 */
export async function withService<T>(
  context: ServiceContext,
  work: (held: ServiceContext, recovered: Awaited<ReturnType<typeof recoverChange>>) => Promise<T>,
): Promise<T> {
  const { layout, reporter, signal } = context;
  mkdirSync(dirname(layout.lock), { recursive: true });
  let said = false;
  const lock = await takeLock(layout.lock, {
    limits: LOCK_LIMITS,
    signal,
    done: () => false,
    waiting: (owner, milliseconds) => {
      if (said || milliseconds < 1000 || owner === undefined) return;
      said = true;
      reporter.step(`waiting for process ${owner.pid}, which is changing the service: ${owner.step}`);
    },
  });
  if (lock === undefined) throw new TypeError("a lock that nobody waits for");
  const held = { ...context, requireLock: () => requireHeld(lock, layout) };
  try {
    // Every user may list gantry's own directory. Only root may list the directory of a service inside it.
    ensureDirectory(dirname(layout.state), 0o755);
    ensureDirectory(layout.state, 0o700);
    return await work(held, await recoverChange(held));
  } finally {
    lock.release();
  }
}

/** Stops this process's work when another process took the lock over: that one has ended the change of this one. */
function requireHeld(lock: Lock, { name, lock: where }: ServiceLayout): void {
  if (!lock.isLost()) return;
  throw new GantryError({
    code: "LOCK_TIMEOUT",
    what: `this process was stopped for so long that another one took over ${name}; it changes nothing more`,
    where,
    fix: `see what is in charge now (./gantry status), then start again`,
  });
}
