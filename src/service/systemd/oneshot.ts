/**
 * Runs one command of a change of generations as a unit of its own. The names of these units have an `@`, which an
 * app's name cannot have, so none of them is the service of another app. No such unit remains after a reboot.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServiceContext } from "../service-context.ts";
import { derivedUnit, type ServiceLayout } from "../service-layout.ts";
import { runProgram } from "../../base/process/index.ts";
import { readUnit, reloadUnits, type UnitState } from "./systemctl.ts";

/** `activate`: the app's own command for a new version. `data`: the copying of the service's data. */
type OneshotName = "activate" | "data";

/** Seconds between SIGTERM and SIGKILL. */
const STOP_TIMEOUT = 10;

export interface Oneshot {
  readonly name: OneshotName;
  /** The text of the unit without its limits. */
  readonly text: string;
  /** Texts of the drop-ins by file name. */
  readonly dropIns: ReadonlyMap<string, string>;
  /** Time limit of the command in seconds. */
  readonly timeout: number | "infinity";
}

/** How a command ended. `failed` is the state of the unit after a failure, and undefined after success. */
export interface OneshotResult {
  readonly unit: string;
  readonly failed: UnitState | undefined;
}

/**
 * Runs a command until it ends or has reached its time limit. Removes its unit then.
 * @throws the signal's reason, after the command was stopped; GantryError LOCK_TIMEOUT
 */
export async function runOneshot(
  { layout, signal, requireLock }: ServiceContext,
  { name, text, dropIns, timeout }: Oneshot,
): Promise<OneshotResult> {
  const { unit, file, directory } = placeOf(layout, name);
  requireLock();
  await endOneshot(layout, name);
  mkdirSync(directory, { recursive: true });
  try {
    writeFileSync(
      file,
      `${text}\n[Service]\nTimeoutStartSec=${timeout}\nTimeoutStopSec=${STOP_TIMEOUT}\nSendSIGKILL=yes\n`,
    );
    for (const [dropIn, contents] of dropIns) writeFileSync(join(directory, dropIn), contents);
    await reloadUnits();
    signal.throwIfAborted();
    const { code } = await runProgram("systemctl", ["start", unit], { signal });
    signal.throwIfAborted();
    return { unit, failed: code === 0 ? undefined : await readUnit(unit) };
  } finally {
    requireLock();
    await endOneshot(layout, name);
  }
}

interface Place {
  readonly unit: string;
  readonly file: string;
  readonly directory: string;
}

function placeOf(layout: ServiceLayout, name: OneshotName): Place {
  return placeOfUnit(layout, derivedUnit(layout, name));
}

function placeOfUnit(layout: ServiceLayout, unit: string): Place {
  const file = join(layout.runUnits, unit);
  return { unit, file, directory: `${file}.d` };
}

/** Stops a command if it still runs, as after a crash of the process that started it. Removes its unit. */
async function endOneshot(layout: ServiceLayout, name: OneshotName): Promise<void> {
  await endUnit(placeOf(layout, name));
}

/** Stops all commands and removes their units, also the unit that an early version of gantry named without an `@`. */
export async function endOneshots(layout: ServiceLayout): Promise<void> {
  await endOneshot(layout, "activate");
  await endOneshot(layout, "data");
  const earlier = placeOfUnit(layout, `${layout.name}-activate.service`);
  // A unit of that name in /etc is the service of another app. systemd prefers it to a unit in /run (systemd.unit(5)).
  if (!existsSync(join(layout.units, earlier.unit))) await endUnit(earlier);
}

async function endUnit({ unit, file, directory }: Place): Promise<void> {
  if (!existsSync(file)) return;
  await runProgram("systemctl", ["stop", unit]);
  rmSync(file, { force: true });
  rmSync(directory, { recursive: true, force: true });
  await runProgram("systemctl", ["reset-failed", unit]);
  await reloadUnits();
}
