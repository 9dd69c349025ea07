/** `status`: the generation in charge, its health and what it uses. Changes nothing. Most of it needs no root. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../base/errors.ts";
import { readHostId } from "../modules/index.ts";
import { LIBC_MARKS, NAMES, stampName } from "../release/index.ts";
import { count, formatBytes } from "../base/text.ts";
import type { Candidate } from "./releases/candidate.ts";
import { readGenerations, sizeOf } from "./releases/generations.ts";
import { requireInstalled } from "./installed-service.ts";
import { generationVersion, type ServiceLayout } from "./service-layout.ts";
import { readRecord } from "./transaction/record.ts";
import { isUp, readUnit, runningGeneration, type UnitState } from "./systemd/systemctl.ts";
import { lookAtProcess } from "./health/watch.ts";

export interface ServiceStatus {
  readonly schema: 1;
  readonly name: string;
  readonly version: string;
  readonly generation: string;
  readonly unit: {
    readonly active: string;
    readonly sub: string;
    /** When the unit became active, as systemd writes it. Empty when the unit does not run. */
    readonly since: string;
    readonly enabled: string;
    readonly pid: number | null;
    readonly restarts: number;
    /** Memory in bytes. Null when systemd does not account for it. */
    readonly memory: number | null;
    readonly status: string;
  };
  readonly health: { readonly healthy: boolean; readonly why: string };
  /** The generation that the process was started from, when it is not the current one. */
  readonly running: string | null;
  /**
   * `at`: when the modules were proven on this host (ISO 8601), null for never. `days`: the days since then. `stale`:
   * whether a start has to prove them again.
   */
  readonly verdict: { readonly at: string | null; readonly days: number | null; readonly stale: boolean };
  readonly generations: readonly {
    readonly name: string;
    readonly version: string;
    readonly bytes: number;
  }[];
  /** The size of the data in bytes. Null when this user may not read the directory. */
  readonly data: number | null;
  /** The step of the change on record. Null when there is none. Undefined when this user may not read the record. */
  readonly interrupted: string | null | undefined;
}

export async function readStatus(layout: ServiceLayout): Promise<ServiceStatus> {
  const candidate = requireInstalled(layout);
  const state = await readUnit(layout.unit);
  const running = runningGeneration(layout, state);
  return {
    schema: 1,
    name: layout.name,
    version: candidate.version,
    generation: candidate.generation,
    unit: describeUnit(state),
    health: await readHealth(layout, candidate, state),
    running: running === candidate.generation ? null : running,
    verdict: readVerdict(candidate),
    generations: readGenerations(layout).map((name) => ({
      name,
      version: generationVersion(name) ?? name,
      bytes: sizeOf(join(layout.releases, name)),
    })),
    data: readable(layout.data) ? sizeOf(layout.data) : null,
    interrupted: readInterrupted(layout),
  };
}

function describeUnit(state: UnitState): ServiceStatus["unit"] {
  const memory = Number(state.MemoryCurrent);
  return {
    active: state.ActiveState,
    sub: state.SubState,
    since: isUp(state) ? state.ActiveEnterTimestamp : "",
    enabled: state.UnitFileState,
    pid: Number(state.MainPID) || null,
    restarts: Number(state.NRestarts) || 0,
    // systemd writes 2^64 - 1 or a text when it does not account for memory.
    memory: Number.isSafeInteger(memory) && state.MemoryCurrent !== "" ? memory : null,
    status: state.StatusText,
  };
}

async function readHealth(
  layout: ServiceLayout,
  { service }: Candidate,
  state: UnitState,
): Promise<ServiceStatus["health"]> {
  if (state.ActiveState !== "active") {
    return { healthy: false, why: `it is ${state.ActiveState} (${state.Result})` };
  }
  const { healthy, why } = await lookAtProcess(layout, service ?? {}, state);
  return { healthy, why };
}

/** When a file was last changed, in milliseconds since 1970. Undefined when there is no such file. */
function changed(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function readVerdict({ root, id }: Candidate): ServiceStatus["verdict"] {
  const stamp = join(root, NAMES.modules, NAMES.stamps, stampName(id, readHostId()));
  const at = changed(stamp);
  if (at === undefined) return { at: null, days: null, stale: true };
  const stale = LIBC_MARKS.some((path) => (changed(path) ?? 0) > at);
  const days = Math.max(0, Math.floor((Date.now() - at) / 86_400_000));
  return { at: new Date(at).toISOString(), days, stale };
}

function readable(path: string): boolean {
  try {
    statSync(join(path, "."));
    return true;
  } catch {
    return false;
  }
}

function readInterrupted(layout: ServiceLayout): string | null | undefined {
  try {
    return readRecord(layout)?.step ?? null;
  } catch (error) {
    if (errorCode(error) === "EACCES") return undefined;
    throw error;
  }
}

export function formatStatus(status: ServiceStatus, layout: ServiceLayout): string {
  const { unit, health, verdict, generations } = status;
  const rows: [label: string, text: string][] = [
    [status.name, `${status.version}, ${status.generation}`],
    [
      "unit",
      `${unit.active} (${unit.sub})${unit.since === "" ? "" : ` since ${unit.since}`}, ${unit.enabled}`,
    ],
    ["health", `${health.healthy ? "well" : "not well"}: ${health.why}`],
    ["process", processLine(unit)],
    ["verdict", verdictLine(verdict)],
    ["data", `${layout.data}${status.data === null ? "" : `, ${formatBytes(status.data)}`}`],
    ...generations.map(({ name, bytes }, index): [string, string] => [
      index === 0 ? "releases" : "",
      `${name}, ${formatBytes(bytes)}${name === status.generation ? ", current" : ""}`,
    ]),
  ];
  if (unit.status !== "") rows.push(["says", unit.status]);
  if (status.running !== null) rows.push(["note", `the process is still that of ${status.running}`]);
  if (typeof status.interrupted === "string") {
    rows.push([
      "note",
      `a change was interrupted (${status.interrupted}); any gantry command as root ends it`,
    ]);
  }
  return rows.map(([label, text]) => `${label.padEnd(10)}${text}`.trimEnd()).join("\n");
}

function processLine({ pid, restarts, memory }: ServiceStatus["unit"]): string {
  const parts = [pid === null ? "none" : `${pid}`, count(restarts, "restart")];
  return [...parts, ...(memory === null ? [] : [formatBytes(memory)])].join(", ");
}

function verdictLine({ at, days, stale }: ServiceStatus["verdict"]): string {
  const again = "every start checks the modules again until root runs ./gantry prepare";
  if (at === null) return `none for this host: ${again}`;
  return `${count(days ?? 0, "day")} old${stale ? `, and the C library changed since: ${again}` : ""}`;
}
