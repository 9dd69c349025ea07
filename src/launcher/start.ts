/** What the stub runs when it found the release not ready. It says nothing when all is well. */
import { networkRule } from "./fill-plan.ts";
import { ensureReady, openRelease, type Session } from "./session.ts";

/**
 * @throws GantryError with everything that keeps the release from starting
 */
export async function start(session: Session): Promise<void> {
  const opened = openRelease(session);
  await ensureReady(session, opened, { network: networkRule(session, opened.release, "start") });
}
