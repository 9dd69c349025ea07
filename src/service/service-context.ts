/** What every command of a service is given. openService makes it from the launcher's session. */
import type { Environment } from "../base/environment.ts";
import type { Reporter } from "../base/reporter.ts";
import type { Target } from "../release/index.ts";
import type { ServiceLayout } from "./service-layout.ts";
import type { Who } from "./transaction/record.ts";

export interface ServiceContext {
  readonly layout: ServiceLayout;
  /** The release to which the launcher that runs now belongs. */
  readonly own: {
    readonly root: string;
    readonly name: string;
    readonly binary: string;
    readonly target: Target;
  };
  /**
   * The environment of this process, for programs of releases. The host's programs get a minimal environment instead.
   */
  readonly environment: Environment;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** The effective user id of this process; undefined where there is none. */
  readonly uid: number | undefined;
  readonly who: Who;
  /**
   * Checks that this process still has the lock. Called before each step that changes something.
   * @throws GantryError LOCK_TIMEOUT when another process took the lock over, because this one was stopped for too long
   */
  readonly requireLock: () => void;
  /** `booting`: systemd will start the service, and the command must not start it. `running`: at any other time. */
  readonly host: "running" | "booting";
}

/** The user who called sudo(8), else the user of this process. */
export function readWho(environment: Environment, own: number | undefined): Who {
  const uid = Number(environment["SUDO_UID"] ?? own ?? 0);
  const user = environment["SUDO_USER"] ?? environment["USER"] ?? (uid === 0 ? "root" : "");
  return { user, uid: Number.isSafeInteger(uid) ? uid : 0 };
}
