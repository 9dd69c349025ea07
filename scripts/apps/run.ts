/** Runs programs and apps for scripts/apps. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Question } from "../../test/apps/app.ts";

/** What scripts/apps/session.mjs is told. */
export interface SessionPlan {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly port: number;
  readonly asks: Question;
  /** Seconds from the start to the answer, at most. */
  readonly patience: number;
}

/** What scripts/apps/session.mjs saw. */
export interface Session {
  /** Milliseconds from the start until the port took a connection. */
  readonly listening?: number;
  readonly answered: boolean;
  /** The beginning of the last answer. */
  readonly answer: string;
  /** How the app ended before it was stopped: exit status, signal, or why it did not start. */
  readonly ended?: number | string;
  readonly output: string;
}

interface Ended {
  readonly status: number | null;
  /** What it printed to both streams. */
  readonly output: string;
  readonly stdout: string;
}

/** Runs a program to its end, or ends it, with its children, after so many seconds. */
export function run(
  [program = "", ...args]: readonly string[],
  options: { readonly cwd: string; readonly environment: NodeJS.ProcessEnv; readonly seconds: number },
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.environment,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let stdout = "";
    const timer = setTimeout(() => {
      output += `\nended after ${options.seconds} s`;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, options.seconds * 1000);
    child.stdout.on("data", (data) => {
      output += data;
      stdout += data;
    });
    child.stderr.on("data", (data) => (output += data));
    const end = (status: number | null) => {
      clearTimeout(timer);
      resolve({ status, output, stdout });
    };
    child.on("error", (error) => {
      output += error.message;
      end(null);
    });
    child.on("close", end);
  });
}

/** Words before a command that take the network away but for loopback; undefined where that is not allowed. */
export async function withoutNetwork(): Promise<readonly string[] | undefined> {
  const prefix = ["unshare", "--user", "--map-root-user", "--net"];
  const isRoot = process.getuid?.() === 0;
  const words = [
    ...(isRoot ? ["unshare", "--net"] : prefix),
    "sh",
    "-c",
    'ip link set lo up && exec "$@"',
    "sh",
  ];
  const { status } = await run([...words, "true"], { cwd: "/", environment: process.env, seconds: 10 });
  return status === 0 ? words : undefined;
}

/** @param prefix words before the command, as of {@link withoutNetwork} */
export async function runSession(
  { node, root }: { readonly node: string; readonly root: string },
  plan: SessionPlan,
  prefix: readonly string[] = [],
): Promise<Session> {
  const program = join(root, "scripts/apps/session.mjs");
  const { stdout, output } = await run([...prefix, node, program, JSON.stringify(plan)], {
    cwd: plan.cwd,
    environment: process.env,
    seconds: plan.patience + 30,
  });
  try {
    return JSON.parse(stdout) as Session;
  } catch {
    return { answered: false, answer: "", output, ended: "no session" };
  }
}
