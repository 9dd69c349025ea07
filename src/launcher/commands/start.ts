/**
 * `start`: the command that the stub (the release's start script) runs when the release is not ready. It prints nothing
 * when nothing has to be done.
 */
import { join } from "node:path";
import { removeStartGate } from "../../modules/index.ts";
import { NAMES, STORE_STATUS } from "../../release/index.ts";
import { networkRule } from "../source-plan.ts";
import { ensureReady, openRelease, type Session } from "../session.ts";

/**
 * Makes the modules ready. Removes the start gate at the end, also after an error.
 * @returns the exit status by which the stub finds the modules: 0 beside the release, else the status in STORE_STATUS
 * @throws GantryError with everything that keeps the release from starting
 */
export async function start(session: Session): Promise<number> {
  try {
    const opened = openRelease(session);
    const { location } = await ensureReady(session, opened, {
      network: networkRule(session, opened.release, "start"),
    });
    return location.variable === undefined ? 0 : STORE_STATUS[location.variable];
  } finally {
    removeStartGate(join(session.root, NAMES.startGate), session.parent);
  }
}
