/**
 * The app's own command for a new version, such as a migration: run once for each installed release, as the service
 * runs (user, environment, directories, rights), from the new generation and before it is in charge.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../errors.ts";
import { writeDurably } from "../provision/durable.ts";
import { readOptionalText } from "../provision/read.ts";
import { NAMES } from "../release/layout.ts";
import type { Candidate } from "./candidate.ts";
import type { ServiceLayout } from "./layout.ts";
import { runProgram } from "./program.ts";
import { readLog, readUnit, reloadUnits } from "./systemd.ts";
import { formatActivation, readDropIns, withoutSupervision } from "./units.ts";

/** Lines of a failed command that are worth quoting. */
const QUOTED = 10;

/**
 * Runs the command unless it ran for this very release before.
 * @returns whether it ran
 * @throws GantryError SERVICE_UNHEALTHY with its last words
 */
export async function ensureActivated(layout: ServiceLayout, candidate: Candidate): Promise<boolean> {
  const { activate, generation, root } = candidate;
  if (activate === undefined || readActivated(layout).includes(generation)) return false;
  const { unit, file, dropIns } = activationUnit(layout);
  const unitText = readFileSync(join(root, NAMES.systemd, layout.unit), "utf8");
  mkdirSync(dropIns, { recursive: true });
  try {
    writeFileSync(file, formatActivation(unitText, [join(root, layout.name), ...activate]));
    for (const [name, text] of readDropIns(layout))
      writeFileSync(join(dropIns, name), withoutSupervision(text));
    await reloadUnits();
    const { code } = await runProgram("systemctl", ["start", unit]);
    if (code !== 0) throw await activationFailure(candidate, unit);
  } finally {
    await endActivation(layout);
  }
  await writeActivated(layout, [...readActivated(layout), generation]);
  return true;
}

function activationUnit(layout: ServiceLayout) {
  const unit = `${layout.name}-activate.service`;
  const file = join(layout.runUnits, unit);
  return { unit, file, dropIns: `${file}.d` };
}

/** Stops a command that outlived whoever started it, and forgets its unit. */
export async function endActivation(layout: ServiceLayout): Promise<void> {
  const { unit, file, dropIns } = activationUnit(layout);
  if (!existsSync(file)) return;
  await runProgram("systemctl", ["stop", unit]);
  rmSync(file, { force: true });
  rmSync(dropIns, { recursive: true, force: true });
  await runProgram("systemctl", ["reset-failed", unit]);
  await reloadUnits();
}

async function activationFailure({ version, activate }: Candidate, unit: string): Promise<GantryError> {
  const { ExecMainStatus, Result, InvocationID } = await readUnit(unit);
  const how = Result === "exit-code" ? `exit status ${ExecMainStatus}` : Result;
  return new GantryError({
    code: "SERVICE_UNHEALTHY",
    what: `the command for version ${version} (${activate?.join(" ") ?? ""}) failed: ${how}`,
    where: unit,
    detail: await readLog(unit, InvocationID, QUOTED),
    fix: "the data may have been changed by it; look at what it says above, and at the app's own documentation",
  });
}

/** The data is from before that release again, so its command has to run again. */
export async function forgetActivated(layout: ServiceLayout, generation: string): Promise<void> {
  const left = readActivated(layout).filter((name) => name !== generation);
  await writeActivated(layout, left);
}

/** Generations whose command has run, one a line. */
function readActivated(layout: ServiceLayout): string[] {
  const text = readOptionalText(layout.activated) ?? "";
  return text.split("\n").filter((line) => line !== "");
}

async function writeActivated(layout: ServiceLayout, generations: readonly string[]): Promise<void> {
  await writeDurably(layout.activated, generations.map((name) => `${name}\n`).join(""), 0o600);
}
