/** The calls to systemctl(1) and journalctl(1): the state of a unit, start, stop, and journal. */
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { GantryError, type Finding } from "../../base/errors.ts";
import type { ServiceContext } from "../service-context.ts";
import type { ServiceLayout } from "../service-layout.ts";
import { runOrThrow, runProgram } from "../../base/process/index.ts";

/** The properties that are read, as `systemctl show` of systemd 247 and later names them. */
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

/** Checks that systemd runs this host. Undefined when it does. */
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

/** Parses lines of the form NAME=VALUE. A property that is not in the text is an empty string. */
export function parseProperties(text: string): UnitState {
  const found = new Map(
    text.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  return Object.fromEntries(PROPERTIES.map((name) => [name, found.get(name) ?? ""])) as UnitState;
}

/**
 * The addresses of active .socket units, by the names of the units.
 * @param names names of units, or patterns such as `*.socket`
 */
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

/** Whether the unit is running, or is being started or reloaded. */
export function isUp({ ActiveState }: UnitState): boolean {
  return ["active", "activating", "reloading"].includes(ActiveState);
}

/**
 * The value of PORT in the environment of the unit's main process. Undefined without one, or when it cannot be read.
 */
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
 * The generation whose program the unit's main process runs. Null when no process runs, when this user may not read its
 * program, and when the program is not in releases/, such as the start script's shell or the host's own Node.
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
 * Asks systemd to start the unit, and does not wait for it. Resets earlier failures first, because the limit on starts
 * (systemd.unit(5), StartLimitBurst=) is meant for crashes and not for upgrades.
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

/**
 * The last lines of a unit's journal.
 * @param invocation the invocation id of one run; undefined or empty for all runs
 * @param lines the most lines to read
 */
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

/**
 * Checks that the user is root.
 * @param command the command as it is typed, for the message
 * @throws GantryError PERMISSION_DENIED for every other user
 */
export function requireRoot(uid: number | undefined, command: string): void {
  if (uid === 0) return;
  throw new GantryError({
    code: "PERMISSION_DENIED",
    what: `${command} needs root`,
    fix: `sudo ${command}`,
  });
}
