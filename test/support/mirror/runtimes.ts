/** The two runtimes that the launcher runs under, each able to do a job of drive.ts. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { drive, type Job, type Outcome } from "./drive.ts";

const BUN =
  process.env["GANTRY_TEST_BUN"] ??
  fileURLToPath(new URL("../../../node_modules/bun/bin/bun.exe", import.meta.url));

export interface Runtime {
  readonly run: (job: Job) => Promise<Outcome>;
  readonly close: () => void;
}

/** Through JSON, as the other one's. */
const runHere = async (job: Job) => JSON.parse(JSON.stringify(await drive(job))) as Outcome;

export function startNode(): Runtime {
  return { run: runHere, close: () => undefined };
}

/** @param environment what the process sees; Bun reads proxies from it at its start */
export function startBun(environment: Readonly<Record<string, string>> = {}): Runtime {
  const args = ["--config=/dev/null", "--env-file=/dev/null", "--no-install"];
  const driver = fileURLToPath(new URL("drive.ts", import.meta.url));
  const env = { ...environment, BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" };
  const child = spawn(BUN, [...args, driver], { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const run = async (job: Job) => {
    child.stdin.write(`${JSON.stringify(job)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`bun ended: ${ended(child)}`);
    return JSON.parse(value) as Outcome;
  };
  return { run, close: () => child.stdin.end() };
}

function ended(child: ChildProcess): string {
  return `status ${child.exitCode}, signal ${child.signalCode}`;
}
