/**
 * Runs the app's own command for a new version, such as a migration. The command is run once for each generation, by
 * the program of that generation and before it is in charge, with the user, environment, directories and rights of the
 * service.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../../base/errors.ts";
import { readOptionalText, writeDurably } from "../../base/files/index.ts";
import { ACTIVATE_TIMEOUT, NAMES } from "../../release/index.ts";
import type { Candidate } from "../releases/candidate.ts";
import type { ServiceContext } from "../service-context.ts";
import type { ServiceLayout } from "../service-layout.ts";
import { runOneshot } from "../systemd/oneshot.ts";
import { readLog, type UnitState } from "../systemd/systemctl.ts";
import { formatActivation, readDropIns, withoutSupervision } from "../systemd/installed-units.ts";

/** Most lines of a failed command's output that are quoted. */
const QUOTED = 10;

/**
 * Runs the command, unless the release has none, or it has run for this generation already.
 * @returns whether the command ran
 * @throws GantryError SERVICE_UNHEALTHY with the end of the command's output; the signal's reason
 */
export async function ensureActivated(context: ServiceContext, candidate: Candidate): Promise<boolean> {
  const { layout } = context;
  const { activate, generation, root, service } = candidate;
  if (activate === undefined || readActivated(layout).includes(generation)) return false;
  const unitText = readFileSync(join(root, NAMES.systemd, layout.unit), "utf8");
  const timeout = service?.activateTimeout ?? ACTIVATE_TIMEOUT;
  const { unit, failed } = await runOneshot(context, {
    name: "activate",
    text: formatActivation(unitText, [join(root, layout.name), ...activate]),
    dropIns: new Map(
      [...readDropIns(layout)].map(([name, text]) => [name, withoutSupervision(text)] as const),
    ),
    timeout,
  });
  if (failed !== undefined) throw await activationFailure(candidate, unit, failed, timeout);
  context.requireLock();
  await writeActivated(layout, [...readActivated(layout), generation]);
  return true;
}

async function activationFailure(
  { version, activate }: Candidate,
  unit: string,
  { ExecMainStatus, Result, InvocationID }: UnitState,
  timeout: number,
): Promise<GantryError> {
  const command = `the command for version ${version} (${activate?.join(" ") ?? ""})`;
  const detail = await readLog(unit, InvocationID, QUOTED);
  if (Result === "timeout") {
    return new GantryError({
      code: "SERVICE_UNHEALTHY",
      what: `${command} did not end within ${timeout} s, and was ended`,
      where: unit,
      detail: detail.length === 0 ? ["(it said nothing)"] : detail,
      fix: 'see what it waited for; if it needs longer, its publisher raises "gantry.service.activateTimeout"',
    });
  }
  const how = Result === "exit-code" ? `exit status ${ExecMainStatus}` : Result;
  return new GantryError({
    code: "SERVICE_UNHEALTHY",
    what: `${command} failed: ${how}`,
    where: unit,
    detail,
    fix: "the data may have been changed by it; look at what it says above, and at the app's own documentation",
  });
}

/**
 * Removes a generation from the list of those whose command has run. Called when older data is restored, so that the
 * command runs again.
 */
export async function forgetActivated(layout: ServiceLayout, generation: string): Promise<void> {
  const left = readActivated(layout).filter((name) => name !== generation);
  await writeActivated(layout, left);
}

/** The names of the generations whose command has run. */
function readActivated(layout: ServiceLayout): string[] {
  const text = readOptionalText(layout.activated) ?? "";
  return text.split("\n").filter((line) => line !== "");
}

async function writeActivated(layout: ServiceLayout, generations: readonly string[]): Promise<void> {
  await writeDurably(layout.activated, generations.map((name) => `${name}\n`).join(""), 0o600);
}
