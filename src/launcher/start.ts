/** What the stub runs when it found the release not ready. It says nothing when all is well. */
import { ensureReady, networkRule, openRelease, type Session } from "./session.ts";

/**
 * @throws GantryError with everything that keeps the release from starting
 */
export async function start(session: Session): Promise<void> {
  await ensureReady(session, openRelease(session), { network: networkRule(session.settings, "as set") });
}
