/**
 * Waits until a service that was just started is healthy, has failed, or has used up its health window. Healthy means:
 * the service has its port and gives the right response, with the same main process, for the whole settle time. Without
 * a port it means that the app runs, or with Type=notify that it said READY=1.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceSettings } from "../releases/candidate.ts";
import type { ServiceContext } from "../service-context.ts";
import { checkPort, type Seen } from "./port.ts";
import { hasEnded, readStart } from "./port-owner.ts";
import { readFact } from "../../base/proc/index.ts";
import { readUnit, type UnitState } from "../systemd/systemctl.ts";

export interface Health {
  readonly healthy: boolean;
  /** What was seen: a response, a state, a time. */
  readonly why: string;
  /** What helps, when that is known. */
  readonly fix?: string;
  /** The invocation id, which names this run of the unit in the journal. Empty when it never started. */
  readonly invocation: string;
}

/**
 * Milliseconds between two looks. `waiting`: before the service is healthy, short because every upgrade waits for it.
 * `settling`: afterwards.
 */
const LOOK = { waiting: 50, settling: 500 };

/** One run of the service that was seen healthy. */
interface Run {
  readonly identity: string;
  /** performance.now() of the first look that found it healthy. */
  readonly since: number;
}

/**
 * Watches the first run of the unit after `before`. A crash at the start counts as unhealthy, although systemd would
 * start the service again.
 * @param before the invocation id that the unit had when the start was asked for; empty to watch any run
 */
export async function waitHealthy(
  context: Pick<ServiceContext, "layout" | "signal">,
  settings: ServiceSettings,
  before: string,
): Promise<Health> {
  const { layout, signal } = context;
  const began = performance.now();
  const settle = settings.healthSettle * 1000;
  let run: Run | undefined;
  let last: Run | undefined;
  let seen: Seen = { healthy: false, why: "it did not start" };
  for (;;) {
    const state = await readUnit(layout.unit);
    const invocation = state.InvocationID === before ? "" : state.InvocationID;
    if (invocation !== "") {
      const failure = failureOf(state, run, last);
      if (failure !== undefined) return { healthy: false, ...failure, invocation };
      const identity = identityOf(state);
      seen = await look(layout, settings, state, signal);
      // The process that responded may have ended already.
      if (seen.healthy && identityOf(state) !== identity) seen = ENDED;
      run = seen.healthy ? (run ?? { identity, since: performance.now() }) : undefined;
    }
    last = run ?? last;
    const now = performance.now();
    if (run !== undefined && now - run.since >= settle) {
      const watched = settings.healthSettle === 0 ? "" : `; watched for ${settings.healthSettle} s`;
      return { healthy: true, why: `${seen.why}${watched}`, invocation };
    }
    if (run === undefined && now - began > settings.healthWindow * 1000) {
      return { ...seen, why: `${seen.why}, ${settings.healthWindow} s after its start`, invocation };
    }
    const pause = run === undefined ? LOOK.waiting : Math.min(LOOK.settling, run.since + settle - now);
    await sleep(pause, undefined, { signal });
  }
}

/** Identifies one run of the unit. It changes with each restart and with each change of the main process. */
function identityOf({ InvocationID, MainPID, NRestarts }: UnitState): string {
  return [InvocationID, MainPID, readStart(Number(MainPID)) ?? "", NRestarts].join(" ");
}

/** For systemd a service runs as long as its main process runs (systemd.service(5), Type=). */
const STAY = "let the app stay in the foreground: a service runs as long as the process that systemd started";
const ENDED: Seen = { healthy: false, why: "its main process ended", fix: STAY };

/**
 * What has gone wrong since the start, in words. Undefined when nothing has.
 * @param run the run that was healthy at the last look, if any
 * @param last the run that was healthy most recently, if any
 */
function failureOf(
  state: UnitState,
  run: Run | undefined,
  last: Run | undefined,
): Omit<Seen, "healthy"> | undefined {
  const { ActiveState, SubState, NRestarts } = state;
  const seconds = last === undefined ? 0 : (performance.now() - last.since) / 1000;
  const after = last === undefined ? "" : `, ${seconds.toFixed(1)} s after it was healthy`;
  if (ActiveState === "failed" || SubState === "auto-restart" || Number(NRestarts) > 0) {
    return { why: `${endingOf(state)}${after}` };
  }
  if (ActiveState === "inactive") return { why: `${endingOf(state)}${after}`, fix: STAY };
  if (run === undefined || ActiveState !== "active" || run.identity === identityOf(state)) return undefined;
  if (state.MainPID === "0") return { ...ENDED, why: `${ENDED.why}${after}` };
  // The process has ended, and systemd does not show it yet. The next look decides.
  if (hasEnded(Number(state.MainPID))) return undefined;
  return { why: `it was restarted${after}` };
}

/**
 * How the main process ended, in words. ExecMainCode is si_code of waitid(2): 1 is an exit, 2 and 3 a signal, 0 a
 * process that has not ended.
 */
function endingOf({ Result, ExecMainCode, ExecMainStatus }: UnitState): string {
  if (ExecMainCode === "1") return `it ended with exit status ${ExecMainStatus}`;
  if (ExecMainCode === "2" || ExecMainCode === "3") return `it was ended by signal ${ExecMainStatus}`;
  return Result === "success" ? "it ended, and was started again" : `it failed (${Result})`;
}

/** Looks once at a service that has not failed. */
async function look(
  layout: ServiceContext["layout"],
  settings: ServiceSettings,
  state: UnitState,
  signal: AbortSignal,
): Promise<Seen> {
  if (state.ActiveState !== "active") {
    const says = state.StatusText === "" ? "" : `: ${state.StatusText}`;
    return { healthy: false, why: `it is still ${state.SubState}${says}` };
  }
  return lookAtProcess(layout, settings, state, signal);
}

/** Checks the main process of an active unit, its port, and its response. */
export async function lookAtProcess(
  layout: Pick<ServiceContext["layout"], "unit" | "env" | "current" | "name">,
  settings: Pick<ServiceSettings, "port" | "health">,
  state: UnitState,
  signal?: AbortSignal,
): Promise<Seen> {
  const { port, health } = settings;
  if (state.MainPID === "0" || hasEnded(Number(state.MainPID))) {
    return ENDED;
  }
  if (port !== undefined) return checkPort(layout, { port, health }, state, signal);
  // With Type=notify `active` means that the app said READY=1.
  if (state.Type === "notify") return { healthy: true, why: "it said that it is ready" };
  // The first argument is the start script's path until the script has replaced itself with the app (exec).
  const [, program] = readFact(Number(state.MainPID), "cmdline").split("\0");
  if (program === `${layout.current}/${layout.name}`)
    return { healthy: false, why: "it is being made ready" };
  return { healthy: true, why: "it runs" };
}
