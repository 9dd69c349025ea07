/** What the commands of the installed service share: flags, the service's context, and their output. */
import { GantryError, spellFinding, toGantryError, type SpelledFinding } from "../base/errors.ts";
import {
  checkOwned,
  checkSystemd,
  formatResult,
  readWho,
  requireRoot,
  type ServiceContext,
  serviceLayout,
  type ServiceLayout,
  type ServiceResult,
} from "../service/index.ts";
import { openRelease, type Session } from "./session.ts";
import { jsonText } from "../base/text.ts";

export const JSON_FLAG = { type: "boolean", description: "for programs" } as const;
export const DRY_RUN_FLAG = {
  type: "boolean",
  description: "says what would be done, and does nothing",
} as const;
/** How many generations stay by default: the current one, and two for a rollback. */
const KEEP = 3;
export const KEEP_FLAG = {
  type: "string",
  valueHint: "N",
  description: `generations that are left; ${KEEP} if left out`,
} as const;

/**
 * Opens the service of this release: the service that has the name of the release's binary. Sets the umask to 022.
 * @throws GantryError HOST_UNSUPPORTED without systemd; for root, STORE_UNSAFE from checkOwned, unless GANTRY_SKIP
 *   has it
 */
export function openService(session: Session, host: ServiceContext["host"] = "running"): ServiceContext {
  const { release } = openRelease(session);
  const finding = checkSystemd();
  if (finding !== undefined) throw new GantryError(finding);
  const { name, binary } = release.manifest;
  // Directories and files get the modes that the code names, whatever the caller's umask is.
  session.setUmask(0o022);
  const layout = serviceLayout(binary, "/");
  if (session.self.uid === 0) requireOwned(session, layout);
  return {
    layout,
    own: { root: session.root, name, binary, target: release.target },
    environment: session.environment,
    reporter: session.reporter,
    signal: session.signal,
    uid: session.self.uid,
    who: readWho(session.environment, session.self.uid),
    requireLock: () => {
      throw new TypeError("nothing is changed without the service's lock");
    },
    host,
  };
}

function requireOwned(session: Session, layout: ServiceLayout): void {
  const finding = checkOwned(layout, session.environment);
  if (finding === undefined) return;
  if (!session.settings.skip.has(finding.code)) throw new GantryError(finding);
  session.reporter.warn(`${finding.code}: ${finding.what} (skipped by GANTRY_SKIP)`);
}

/**
 * Opens the service for a command that only root may run.
 * @param command the command as it is typed after `./gantry`, for the message
 * @throws GantryError PERMISSION_DENIED for a user who is not root; what openService throws
 */
export function openServiceAsRoot(session: Session, command: string): ServiceContext {
  requireRoot(session.self.uid, `./gantry ${command}`);
  return openService(session);
}

/**
 * The number of --keep, or its default.
 * @throws GantryError USAGE when it is no whole number from 1 to 9999
 */
export function readKeep(text: string | undefined): number {
  if (text === undefined) return KEEP;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (value >= 1) return value;
  throw new GantryError({
    code: "USAGE",
    what: `--keep is "${text}"; it has to be a whole number, 1 or more`,
    fix: `leave it out to keep ${KEEP}`,
  });
}

/** What a command that failed prints with `--json`, instead of a result. */
export interface FailedJson {
  readonly schema: 1;
  readonly outcome: "failed";
  readonly exit: number;
  readonly findings: readonly SpelledFinding[];
}

/**
 * Runs a command and prints its result. With --json a failure is also printed to stdout, with its findings, so that a
 * program has to read only stdout. Exit status and stderr of a failure are the same with and without --json.
 */
export async function runService(
  session: Session,
  json: boolean | undefined,
  run: () => Promise<ServiceResult>,
): Promise<void> {
  if (json !== true) {
    session.print(formatResult(await run()));
    return;
  }
  try {
    session.print(jsonText(await run()));
  } catch (error) {
    const { findings, exit } = toGantryError(error);
    const failed: FailedJson = { schema: 1, outcome: "failed", exit, findings: findings.map(spellFinding) };
    session.print(jsonText(failed));
    throw error;
  }
}
