// Starts a brain, however it was built, and asks it things over HTTP. Waits for what the brain prints, never for
// a time to pass; the deadlines are there so that a hang becomes a failure that says what was printed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { randomUUID } from "node:crypto";

export interface BrainOptions {
  readonly cwd: string;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds until a start, run or stop counts as hung. */
  readonly deadline?: number;
}

interface BrainExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Where to ask and with what: all that the checks below need. */
export interface BrainAddress {
  readonly url: string;
  readonly token: string;
}

export interface RunningServer {
  readonly url: string;
  readonly pid: number;
  /** What was printed so far; complete after `stop()`. */
  stdout(): string;
  stderr(): string;
  /** Resolves with the first match on stderr; rejects when the brain ends without it. */
  untilStderr(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends the signal and waits for the end; later calls give the same answer. */
  stop(signal?: "SIGTERM" | "SIGINT"): Promise<BrainExit>;
}

export type RunningBrain = RunningServer & BrainAddress;

export interface BrainRun extends BrainExit {
  readonly stdout: string;
  readonly stderr: string;
}

const defaultDeadline = 100_000;
const listeningLine = /^brain listening on (http:\/\/\S+)\n/m;

/**
 * Starts `command` as a server on a free port and resolves when it listens. Sets BRAIN_PORT=0 unless `env` names a
 * port, and a random BRAIN_TOKEN unless `env` has one; an empty BRAIN_TOKEN leaves the brain to make its own.
 */
export async function startBrain(command: readonly string[], options: BrainOptions): Promise<RunningBrain> {
  const token = options.env["BRAIN_TOKEN"] ?? randomUUID();
  const hasPort = "BRAIN_PORT" in options.env || "PORT" in options.env;
  const env = { ...options.env, BRAIN_TOKEN: token, ...(hasPort ? {} : { BRAIN_PORT: "0" }) };
  return { ...(await startServer(command, { ...options, env }, listeningLine)), token };
}

/** Starts `command` and resolves when a line of its standard output names the address that it listens on. */
export async function startServer(
  command: readonly string[],
  options: BrainOptions,
  line: RegExp,
): Promise<RunningServer> {
  const brain = spawnBrain(command, options);
  const { pid } = brain.child;
  brain.child.stdin.end();
  const [, url = ""] = await brain.untilOutput("stdout", line);
  assert.ok(pid !== undefined);
  let stopped: Promise<BrainExit> | undefined;
  return {
    url,
    pid,
    stdout: () => brain.output.stdout,
    stderr: () => brain.output.stderr,
    untilStderr: (pattern) => brain.untilOutput("stderr", pattern),
    stop(signal = "SIGTERM") {
      brain.child.kill(signal);
      stopped ??= brain.untilEnd();
      return stopped;
    },
  };
}

/** Runs a command of the brain to its end with `stdin` as its input. */
export async function runBrain(
  command: readonly string[],
  options: BrainOptions & { readonly stdin?: string },
): Promise<BrainRun> {
  const brain = spawnBrain(command, options);
  // A command that ends without reading its input closes the pipe; that is its right.
  brain.child.stdin.on("error", () => undefined);
  brain.child.stdin.end(options.stdin ?? "");
  return { ...(await brain.untilEnd()), ...brain.output };
}

type Channel = "stdout" | "stderr";

interface SpawnedBrain {
  readonly child: ChildProcessWithoutNullStreams;
  readonly output: Readonly<Record<Channel, string>>;
  untilOutput(channel: Channel, pattern: RegExp): Promise<RegExpExecArray>;
  untilEnd(): Promise<BrainExit>;
}

function spawnBrain(command: readonly string[], options: BrainOptions): SpawnedBrain {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd: options.cwd, env: { ...options.env }, stdio: "pipe" });
  const output = { stdout: "", stderr: "" };
  for (const channel of ["stdout", "stderr"] as const) {
    child[channel].setEncoding("utf8").on("data", (text: string) => {
      output[channel] += text;
    });
  }
  // "close" and not "exit": only then has everything that was printed arrived.
  const ended = new Promise<BrainExit>((resolve, reject) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
    child.once("error", reject);
  });
  ended.catch(() => undefined);

  const report = (what: string) =>
    new Error(`${what}: ${command.join(" ")}\n--- stdout\n${output.stdout}\n--- stderr\n${output.stderr}`);
  const withinDeadline = <T>(wanted: Promise<T>, what: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        reject(report(`deadline passed, ${what}`));
      }, options.deadline ?? defaultDeadline);
      wanted.then(resolve, reject).finally(() => clearTimeout(timer));
    });

  return {
    child,
    output,
    untilOutput: (channel, pattern) =>
      withinDeadline(
        new Promise((resolve, reject) => {
          const look = () => {
            const match = pattern.exec(output[channel]);
            if (match !== null) resolve(match);
          };
          look();
          // Runs after the listener above that appends, because it was added later.
          child[channel].on("data", look);
          ended.then(
            ({ code, signal }) =>
              reject(report(`ended with ${code ?? signal} before ${pattern} was on ${channel}`)),
            reject,
          );
        }),
        `no ${pattern} on ${channel}`,
      ),
    untilEnd: () => withinDeadline(ended, "still running"),
  };
}

const sampleNotes = [
  { text: "oat milk, two litres", embedding: [1, 0, 0, 0] },
  { text: "call the harbour master", embedding: [0, 1, 0, 0] },
  { text: "the boat's moorings: höher, 係留", embedding: [0.25, 0.75, 0.5, 0] },
] as const;
const question = [0, 1, 0.125, 0] as const;

/** One JSON request; `token: undefined` sends none. */
export async function askBrain(
  { url, token }: { readonly url: string; readonly token: string | undefined },
  method: string,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

/** Everything a fresh brain must get right; throws an AssertionError otherwise. Gives the ids of three stored notes. */
export async function exerciseBrain(brain: BrainAddress): Promise<readonly number[]> {
  const health = await askBrain({ ...brain, token: undefined }, "GET", "/health");
  assert.equal(health.status, 200);
  assert.equal(readField(health.body, "status"), "ok");

  const ids: number[] = [];
  for (const note of sampleNotes) {
    const { status, body } = await askBrain(brain, "POST", "/notes", note);
    assert.equal(status, 201);
    const id = readField(body, "id");
    assert.ok(typeof id === "number" && Number.isInteger(id), `id is ${String(id)}`);
    ids.push(id);
  }
  assert.equal(new Set(ids).size, sampleNotes.length);
  await checkStoredNotes(brain, ids);
  await checkRefusals(brain);
  return ids;
}

/** The notes that `exerciseBrain` stored are all there and found in the right order: for a brain that was restarted. */
export async function checkStoredNotes(brain: BrainAddress, ids: readonly number[]): Promise<void> {
  for (const [index, note] of sampleNotes.entries()) {
    const { status, body } = await askBrain(brain, "GET", `/notes/${ids[index]}`);
    assert.equal(status, 200);
    assert.deepEqual(body, { id: ids[index], ...note });
  }
  const expected = sampleNotes
    .map(({ text, embedding }, index) => ({
      id: ids[index],
      text,
      distance: cosineDistance(embedding, question),
    }))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, 2);
  const { status, body } = await askBrain(brain, "POST", "/search", { embedding: question, k: 2 });
  assert.equal(status, 200);
  const found = readField(body, "notes");
  assert.ok(Array.isArray(found) && found.length === expected.length, JSON.stringify(body));
  for (const [index, { id, text, distance }] of expected.entries()) {
    assert.equal(readField(found[index], "id"), id);
    assert.equal(readField(found[index], "text"), text);
    // libsql computes in 32-bit floats.
    assert.ok(Math.abs(Number(readField(found[index], "distance")) - distance) < 1e-5, JSON.stringify(found));
  }
}

async function checkRefusals({ url, token }: BrainAddress): Promise<void> {
  const [note] = sampleNotes;
  const cases = [
    { token: undefined, method: "POST", path: "/notes", body: note, status: 401 },
    { token: `${token}x`, method: "POST", path: "/notes", body: note, status: 401 },
    { token: token.padEnd(80, "x"), method: "GET", path: "/nowhere", body: undefined, status: 401 },
    { token, method: "GET", path: "/nowhere", body: undefined, status: 404 },
    { token, method: "DELETE", path: "/notes/1", body: undefined, status: 404 },
    { token, method: "GET", path: "/notes/999999999", body: undefined, status: 404 },
    { token, method: "GET", path: "/notes/1e0", body: undefined, status: 404 },
    { token, method: "POST", path: "/notes", body: { ...note, embedding: [1, 2] }, status: 400 },
    { token, method: "POST", path: "/notes", body: { ...note, embedding: [0, 0, 0, 0] }, status: 400 },
    { token, method: "POST", path: "/notes", body: { ...note, text: " " }, status: 400 },
    { token, method: "POST", path: "/notes", body: [note], status: 400 },
    { token, method: "POST", path: "/notes", body: undefined, status: 400 },
    { token, method: "POST", path: "/search", body: { embedding: question, k: 1.5 }, status: 400 },
    { token, method: "POST", path: "/search", body: { embedding: "0,1,0,0", k: 1 }, status: 400 },
  ];
  for (const { status, ...request } of cases) {
    const answer = await askBrain({ url, token: request.token }, request.method, request.path, request.body);
    const shown = `${JSON.stringify(request)} gave ${JSON.stringify(answer)}`;
    assert.equal(answer.status, status, shown);
    assert.equal(typeof readField(answer.body, "error"), "string", shown);
  }
}

function cosineDistance(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
  return 1 - dot / (Math.hypot(...a) * Math.hypot(...b));
}

function readField(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
