/** The calls to systemd: state of a unit, start, stop, and its journal. */
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { GantryError, type Finding } from "../../base/errors.ts";
import type { ServiceContext } from "../service-context.ts";
import type { ServiceLayout } from "../service-layout.ts";
import { runOrThrow, runProgram } from "../../base/process/index.ts";

/** Properties as `systemctl show` names them, systemd 247 and later. */
const PROPERTIES = [
  "LoadState",
  "ActiveState",
  "SubState",
  "UnitFileState",
  "Result",
  "Type",
  "MainPID",
  "ControlGroup",
  "TriggeredBy",
  "PrivateNetwork",
  "NetworkNamespacePath",
  "NRestarts",
  "ExecMainCode",
  "ExecMainStatus",
  "InvocationID",
  "ActiveEnterTimestamp",
  "MemoryCurrent",
  "StatusText",
  "NeedDaemonReload",
] as const;

export type UnitState = Readonly<Record<(typeof PROPERTIES)[number], string>>;

/** @returns a finding when systemd does not run here, or undefined */
export function checkSystemd(): Finding | undefined {
  // The test of sd_booted(3).
  if (existsSync("/run/systemd/system")) return undefined;
  return {
    code: "HOST_UNSUPPORTED",
    what: "this host is not run by systemd",
    where: "/run/systemd/system",
    fix: "start the app with whatever supervises services here: its script beside ./gantry is the command, and needs nothing else",
  };
}

export async function readUnit(unit: string): Promise<UnitState> {
  return parseProperties(await runOrThrow("systemctl", ["show", unit, `-p${PROPERTIES.join(",")}`]));
}

/** Parses `NAME=value` lines. A property that systemd does not know is empty. */
export function parseProperties(text: string): UnitState {
  const found = new Map(
    text.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  return Object.fromEntries(PROPERTIES.map((name) => [name, found.get(name) ?? ""])) as UnitState;
}

/** The addresses of active .socket units, by unit name. `*.socket` matches all of them. */
export async function readSocketUnits(names: readonly string[]): Promise<Map<string, readonly string[]>> {
  if (names.length === 0) return new Map();
  return parseSocketUnits(await runOrThrow("systemctl", ["show", ...names, "-pId,ActiveState,Listen"]));
}

/** Parses the properties of several units, which an empty line separates. */
export function parseSocketUnits(text: string): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const unit of text.split("\n\n")) {
    const values = (name: string) =>
      unit.split("\n").flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
    const [id] = values("Id");
    if (id !== undefined && values("ActiveState")[0] === "active") found.set(id, values("Listen"));
  }
  return found;
}

/** Is the unit running, or about to run without another command? */
export function isUp({ ActiveState }: UnitState): boolean {
  return ["active", "activating", "reloading"].includes(ActiveState);
}

/** The value of PORT in the environment of the unit's process. Undefined when it cannot be known. */
export function runningPort({ MainPID }: UnitState): number | undefined {
  try {
    const environment = readFileSync(`/proc/${MainPID}/environ`, "utf8").split("\0");
    const told = environment.find((line) => line.startsWith("PORT="))?.slice(5) ?? "";
    return /^[1-9]\d{0,4}$/.test(told) ? Number(told) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The generation that the unit's process was started from. Null when none runs, or when it is still the start script.
 */
export function runningGeneration(layout: ServiceLayout, state: UnitState): string | null {
  if (state.MainPID === "" || state.MainPID === "0") return null;
  try {
    const program = readlinkSync(`/proc/${state.MainPID}/exe`);
    if (!program.startsWith(`${layout.releases}/`)) return null;
    return program.slice(layout.releases.length + 1).split("/", 1)[0] ?? null;
  } catch {
    return null;
  }
}

/**
 * Queues a start, after resetting earlier failures: the limit on starts is for crashes, not for upgrades.
 * @throws GantryError LOCK_TIMEOUT, without a start, when another process has the lock now
 */
export async function startUnit(
  { layout: { unit }, requireLock }: Pick<ServiceContext, "layout" | "requireLock">,
  how: "start" | "restart",
): Promise<void> {
  requireLock();
  await runProgram("systemctl", ["reset-failed", unit]);
  requireLock();
  await runOrThrow("systemctl", [how, "--no-block", unit]);
}

/** Stops a unit and waits until it has ended. */
export async function stopUnit({
  layout: { unit },
  requireLock,
}: Pick<ServiceContext, "layout" | "requireLock">): Promise<void> {
  requireLock();
  await runOrThrow("systemctl", ["stop", unit]);
}

export async function reloadUnits(): Promise<void> {
  await runOrThrow("systemctl", ["daemon-reload"]);
}

/** The last lines of a unit's journal, of one run or of all. */
export async function readLog(
  unit: string,
  invocation: string | undefined,
  lines: number,
): Promise<string[]> {
  const run = invocation === undefined || invocation === "" ? [] : [`_SYSTEMD_INVOCATION_ID=${invocation}`];
  const which = run.length > 0 ? run : ["-u", unit];
  await runProgram("journalctl", ["--sync"]);
  const args = ["--no-pager", "-q", "-o", "cat", "-n", `${lines}`, ...which];
  const { stdout } = await runProgram("journalctl", args);
  return stdout.split("\n").filter((line) => line !== "");
}

/** @throws GantryError PERMISSION_DENIED for every user but root */
export function requireRoot(uid: number | undefined, command: string): void {
  if (uid === 0) return;
  throw new GantryError({
    code: "PERMISSION_DENIED",
    what: `${command} needs root`,
    fix: `sudo ${command}`,
  });
}
