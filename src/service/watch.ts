/** Waiting until a service that was just started is healthy, or certainly is not. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceSettings } from "./candidate.ts";
import { askHealth } from "./health.ts";
import type { ServiceContext } from "./context.ts";
import { readUnit, runningPort, type UnitState } from "./systemd.ts";

export interface Health {
  readonly healthy: boolean;
  /** What was seen: an answer, a state, a time. */
  readonly why: string;
  /** Names this run of the unit in the journal; empty when it never started. */
  readonly invocation: string;
}

/** Milliseconds between two looks; it is part of every upgrade's time, though not of its downtime. */
const LOOK = 50;
/** Seconds that a service without a way to be asked has to keep running. */
const SETTLE = 5;

/**
 * Waits for the first run of the unit after `before`. A first crash is an answer: systemd would start it again, but a
 * release that crashes at its start is not one to wait for.
 * @param before the invocation that was running when the start was asked for; empty when none was
 */
export async function waitHealthy(
  context: Pick<ServiceContext, "layout" | "signal">,
  settings: ServiceSettings,
  before: string,
): Promise<Health> {
  const began = performance.now();
  const settle = Math.min(SETTLE, settings.healthWindow) * 1000;
  let up: number | undefined;
  let why = "it did not start";
  for (;;) {
    const state = await readUnit(context.layout.unit);
    const invocation = state.InvocationID === before ? "" : state.InvocationID;
    const fresh = invocation !== "";
    const failure = fresh ? failureOf(state) : undefined;
    if (failure !== undefined) return { healthy: false, why: failure, invocation };
    if (fresh && state.ActiveState === "active") {
      up ??= performance.now();
      const asked = await ask(settings, state, performance.now() - up >= settle, context.signal);
      why = asked.why;
      if (asked.healthy) return { healthy: true, why, invocation };
    } else if (fresh)
      why = `it is still ${state.SubState}${state.StatusText === "" ? "" : `: ${state.StatusText}`}`;
    if (performance.now() - began > settings.healthWindow * 1000) {
      return { healthy: false, why: `${why}, ${settings.healthWindow} s after its start`, invocation };
    }
    await sleep(LOOK, undefined, { signal: context.signal });
  }
}

/** What systemd says has gone wrong since the start, in words; undefined while nothing has. */
function failureOf(state: UnitState): string | undefined {
  const crashed =
    state.ActiveState === "failed" || state.SubState === "auto-restart" || Number(state.NRestarts) > 0;
  if (crashed) return endingOf(state);
  return state.ActiveState === "inactive" ? "it ended at once" : undefined;
}

/** systemd keeps si_code of waitid(2): 1 is an exit, 2 and 3 a signal. */
function endingOf({ Result, ExecMainCode, ExecMainStatus }: UnitState): string {
  if (ExecMainCode === "1") return `it ended with exit status ${ExecMainStatus}`;
  if (ExecMainCode === "2" || ExecMainCode === "3") return `it was ended by signal ${ExecMainStatus}`;
  return `it failed (${Result})`;
}

/** Asks the app, where it was told to listen; only one that cannot be asked is judged by its staying up. */
async function ask(
  settings: ServiceSettings,
  state: UnitState,
  settled: boolean,
  signal: AbortSignal,
): Promise<{ readonly healthy: boolean; readonly why: string }> {
  if (settings.port !== undefined) {
    return askHealth({ port: runningPort(state) ?? settings.port, path: settings.health, signal });
  }
  // With Type=notify `active` means that the app said READY=1.
  if (settings.type === "notify") return { healthy: true, why: "it said that it is ready" };
  return { healthy: settled, why: settled ? `still running after ${SETTLE} s` : "it runs" };
}
