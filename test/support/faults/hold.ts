/**
 * Starts that stand still at a chosen system call, so that what a test does meanwhile depends on no timing: strace(1)
 * stops the process there with SIGSTOP.
 */
import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Run } from "../launcher/fixture.ts";
import type { Command, Point } from "./inject.mjs";

export interface Held {
  /** The process that was started, and the one that stands still, which may be the same. */
  readonly started: number;
  readonly stopped: number;
  readonly stderr: () => string;
  /** Lets it go on, here and wherever else it meets a call of that number. */
  readonly goOn: () => void;
  readonly ended: Promise<Run>;
}

/** Milliseconds after which a start that never gets there is a failure. */
const PATIENCE = 60_000;

/**
 * @param log an unused path for the trace
 * @param faults what else strace(1) is to inject, as `CALLS:error=CODE`
 * @throws Error when the start ended before it got there
 */
export async function holdAt(
  command: Command,
  { call, nth }: Point,
  log: string,
  faults: readonly string[] = [],
): Promise<Held> {
  writeFileSync(log, "");
  const wanted = [`${call}:signal=STOP:when=${nth}`, ...faults];
  const trace = wanted.map((fault) => fault.split(":", 1)).join(",");
  const injections = wanted.flatMap((fault) => ["-e", `inject=${fault}`]);
  const options = ["-f", "-qq", "-o", log, "-e", `trace=${trace}`, ...injections];
  const child = spawn("strace", [...options, ...command.argv], {
    cwd: command.cwd,
    env: command.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (text.stdout += chunk));
  child.stderr.on("data", (chunk) => (text.stderr += chunk));
  let over = false;
  const ended = new Promise<Run>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      over = true;
      resolve({ code, signal, ...text });
    });
  });
  const tracer = child.pid ?? 0;
  let [thread] = readStopped(log);
  for (const limit = performance.now() + PATIENCE; thread === undefined; [thread] = readStopped(log)) {
    if (over || performance.now() > limit) {
      child.kill("SIGKILL");
      throw new Error(`it never stood still at ${call} ${nth}: ${text.stderr}`);
    }
    await sleep(5);
  }
  const started = Number(readFileSync(`/proc/${tracer}/task/${tracer}/children`, "utf8").split(" ")[0]);
  const goOn = () => {
    const timer = setInterval(() => wake(log), 20);
    void ended.finally(() => {
      clearInterval(timer);
      rmSync(log, { force: true });
    });
    wake(log);
  };
  return { started, stopped: processOf(thread), stderr: () => text.stderr, goOn, ended };
}

/** The threads that strace saw stop, in its own words. */
function readStopped(log: string): number[] {
  const lines = readFileSync(log, "utf8").matchAll(/^(\d+) +--- stopped by SIGSTOP ---$/gm);
  return [...lines].map(([, thread]) => Number(thread));
}

function wake(log: string): void {
  for (const thread of new Set(readStopped(log))) send(thread, "SIGCONT");
}

/** To a process that may be gone by now. */
export function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function processOf(thread: number): number {
  return Number(/^Tgid:\s+(\d+)$/m.exec(readFileSync(`/proc/${thread}/status`, "utf8"))?.[1]);
}
