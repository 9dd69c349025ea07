/**
 * Workers that the sources start without a setting. The expected answers are what plain Bun prints with the same sources,
 * run in the app's directory.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUN, makeWorkbench, runProgram } from "../../../support/build/workbench.ts";

const bench = makeWorkbench();
const app = join(bench.root, "app");
const binary = join(bench.root, "release/lib/one");

/** Starts a worker, and resolves with its answer. */
const ASK = `
  export const ask = (worker: Worker) =>
    new Promise<string>((resolve, reject) => {
      worker.onmessage = ({ data }) => { resolve(data as string); worker.terminate(); };
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage("x");
    });`;
const answers = (name: string) => `
  import { double } from "../lib/double.ts";
  declare const self: Worker;
  self.onmessage = ({ data }) => self.postMessage("${name} " + double(data as string));`;

beforeAll(async () => {
  bench.write("app", {
    "package.json": JSON.stringify({ name: "one", version: "1.0.0" }),
    "src/lib/double.ts": "export const double = (text: string) => text + text;",
    "src/lib/ask.ts": ASK,
    "src/jobs/address.ts": answers("address"),
    "src/jobs/joined.ts": answers("joined"),
    "src/jobs/text.ts": answers("text"),
    "src/jobs/threads.ts": `
      import { parentPort } from "node:worker_threads";
      import { double } from "../lib/double.ts";
      parentPort?.on("message", (text: string) => parentPort?.postMessage("threads " + double(text)));`,
    "src/jobs/nested.ts": `
      import { ask } from "../lib/ask.ts";
      declare const self: Worker;
      self.onmessage = async () =>
        self.postMessage("nested " + (await ask(new Worker(new URL("./address.ts", import.meta.url)))));`,
    "src/jobs/start.ts": `
      import { join } from "node:path";
      import { Worker as Thread } from "node:worker_threads";
      import * as threads from "node:worker_threads";
      import { ask } from "../lib/ask.ts";
      const here = new URL("./address.ts", import.meta.url);
      export const start = async () => [
        await ask(new Worker(here)),
        await ask(new Worker(here.href, { type: "module" })),
        await ask(new Worker(join(import.meta.dir, "joined.ts"))),
        await ask(new Worker("./src/jobs/text.ts")),
        await ask(new Worker(new URL("./nested.ts", import.meta.url))),
        await new Promise((resolve, reject) => {
          const thread = new threads.Worker(new URL("./threads.ts", import.meta.url));
          thread.on("message", (text) => { resolve(text); void thread.terminate(); });
          thread.on("error", reject);
          thread.postMessage("x");
        }),
        typeof Thread,
      ];`,
    "src/main.ts": `
      import { start } from "./jobs/start.ts";
      console.log(JSON.stringify(await start()));
      process.exit(0);`,
  });
  mkdirSync(join(bench.root, "release/lib"), { recursive: true });
  await bench.compile({ appDir: app, root: app, outfile: binary, entry: join(app, "src/main.ts") });
}, 120_000);
afterAll(() => bench.remove());

test("a release starts every worker that its sources name, and theirs", () => {
  const plain = execFileSync(BUN, [join(app, "src/main.ts")], { cwd: app, encoding: "utf8" });
  expect(JSON.parse(plain)).toEqual([
    "address xx",
    "address xx",
    "joined xx",
    "text xx",
    "nested address xx",
    "threads xx",
    "function",
  ]);
  const { stdout, stderr } = runProgram(binary, [], { cwd: bench.root });
  expect({ stdout, stderr }).toEqual({ stdout: plain, stderr: "" });
});
