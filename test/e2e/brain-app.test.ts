// The sample app itself, from its sources under the real Bun with the real modules: what the tests of built
// releases compare with. A failure here is the app's, not gantry's.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  askBrain,
  checkStoredNotes,
  exerciseBrain,
  runBrain,
  startBrain,
} from "../support/app/brain-client.ts";
import type { BrainRun, RunningBrain } from "../support/app/brain-client.ts";

const bun = fileURLToPath(new URL("../../node_modules/bun/bin/bun.exe", import.meta.url));
const fixture = fileURLToPath(new URL("../fixtures/test-brain", import.meta.url));

let app = "";
beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), "brain-app-"));
  cpSync(fixture, app, {
    recursive: true,
    filter: (source) => !["node_modules", "data"].includes(basename(source)),
  });
  const install = ["install", "--frozen-lockfile", "--ignore-scripts", "--linker=hoisted"];
  const { status, stderr } = spawnSync(bun, install, { cwd: app, encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
afterAll(() => rmSync(app, { recursive: true, force: true }));

type Environment = Readonly<Record<string, string>>;

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "brain-data-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function brainCommand(...args: readonly string[]): readonly string[] {
  return [bun, join(app, "src/main.ts"), ...args];
}

async function start(cwd: string, env: Environment = {}): Promise<RunningBrain> {
  const brain = await startBrain(brainCommand(), { cwd, env });
  onTestFinished(async () => void (await brain.stop()));
  return brain;
}

async function run(
  cwd: string,
  args: readonly string[],
  env: Environment = {},
  stdin = "",
): Promise<BrainRun> {
  return runBrain(brainCommand(...args), { cwd, env, stdin });
}

/** Bytes in the write-ahead log: none after a clean close, so that brain.db alone holds every note. */
function readLogSize(cwd: string): number {
  return statSync(join(cwd, "data/brain.db-wal"), { throwIfNoEntry: false })?.size ?? 0;
}

describe("serving", () => {
  test("stores, reads, searches, refuses, stops on SIGTERM and finds everything again", async () => {
    const cwd = makeDirectory();
    const first = await start(cwd);
    const ids = await exerciseBrain(first);
    expect(await first.stop("SIGTERM")).toEqual({ code: 0, signal: null });
    expect(first.stdout()).toBe(`brain listening on ${first.url}\n`);
    expect(first.stderr().match(/^brain: end-to-end encryption is off: .+$/gm)).toHaveLength(1);
    expect(first.stderr().trimEnd().split("\n")).toHaveLength(1);
    expect(readLogSize(cwd)).toBe(0);

    const second = await start(cwd);
    await checkStoredNotes(second, ids);
    expect(await second.stop("SIGINT")).toEqual({ code: 0, signal: null });
  });

  test("makes a token at the first start, prints it once and keeps only its hash", async () => {
    const cwd = makeDirectory();
    const first = await start(cwd, { BRAIN_TOKEN: "" });
    const [, token = ""] = await first.untilStderr(/made a token, shown only this once: (\S+)\n/);
    const ids = await exerciseBrain({ url: first.url, token });
    await first.stop();

    const stored = readFileSync(join(cwd, "data/token.hash"), "utf8");
    expect(stored).toMatch(/^\$2b\$10\$/);
    expect(stored).not.toContain(token);
    expect(statSync(join(cwd, "data/token.hash")).mode & 0o777).toBe(0o600);

    const second = await start(cwd, { BRAIN_TOKEN: "" });
    await checkStoredNotes({ url: second.url, token }, ids);
    await second.stop();
    expect(second.stderr()).not.toContain("token");
  });

  // The password and hash are a published test vector of crypt_blowfish; $2y$ is how htpasswd spells it.
  test.each(["$2a$", "$2y$"])("takes a bcrypt hash that starts with %s", async (prefix) => {
    const hash = `${prefix}05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW`;
    const { url } = await start(makeDirectory(), { BRAIN_TOKEN_HASH: hash, BRAIN_TOKEN: "not-this-one" });
    expect(await askBrain({ url, token: "U*U" }, "GET", "/notes/1")).toMatchObject({ status: 404 });
    expect(await askBrain({ url, token: "not-this-one" }, "GET", "/notes/1")).toMatchObject({ status: 401 });
  });

  // bcrypt compares 72 bytes and no more, so one character too many would pass.
  test("takes a token of 72 characters and not the same with one more", async () => {
    const { url, token } = await start(makeDirectory(), { BRAIN_TOKEN: "x".repeat(72) });
    expect(await askBrain({ url, token }, "GET", "/notes/1")).toMatchObject({ status: 404 });
    expect(await askBrain({ url, token: `${token}x` }, "GET", "/notes/1")).toMatchObject({ status: 401 });
  });

  test("cuts off a body over one MiB", async () => {
    const brain = await start(makeDirectory());
    const text = "x".repeat(1024 * 1024);
    expect(await askBrain(brain, "POST", "/notes", { text, embedding: [1, 0, 0, 0] })).toMatchObject({
      status: 413,
    });
  });

  test("says which address is taken", async () => {
    const { url } = await start(makeDirectory());
    const { port } = new URL(url);
    const second = await run(makeDirectory(), [], { PORT: port, BRAIN_TOKEN: "t" });
    expect(second).toMatchObject({ code: 69, stdout: "" });
    expect(second.stderr).toContain(`cannot listen on 127.0.0.1 port ${port}`);
  });
});

describe("the command line", () => {
  const usage = /^usage: brain /m;
  test.each([
    { args: ["--version"], code: 0, stdout: /^test-brain 0\.1\.0\n$/, stderr: /^$/ },
    { args: ["--help"], code: 0, stdout: usage, stderr: /^$/ },
    { args: ["sarch"], code: 64, stdout: /^$/, stderr: usage },
    { args: ["--port"], code: 64, stdout: /^$/, stderr: usage },
    { args: ["add", "text"], code: 64, stdout: /^$/, stderr: usage },
    { args: ["search", "1,2,3,4", "2", "more"], code: 64, stdout: /^$/, stderr: usage },
    { args: ["search", "1,2,3"], code: 65, stdout: /^$/, stderr: /has 3 numbers, this brain keeps 4/ },
    { args: ["search", "1,2,,4"], code: 65, stdout: /^$/, stderr: /embedding\[2\] is not a finite number/ },
    { args: ["search", "1,2,3,4", "0"], code: 65, stdout: /^$/, stderr: /k must be a whole number/ },
  ])("$args exits $code and makes no data directory", async ({ args, code, stdout, stderr }) => {
    const cwd = makeDirectory();
    const result = await run(cwd, args);
    expect(result).toMatchObject({ code, signal: null });
    expect(result.stdout).toMatch(stdout);
    expect(result.stderr).toMatch(stderr);
    expect(existsSync(join(cwd, "data"))).toBe(false);
  });

  test("add, import and search work on the same notes", async () => {
    const cwd = makeDirectory();
    const added = await run(cwd, ["add", "--version of the boat's log", "-1,0,0,0"]);
    expect(added).toMatchObject({ code: 0, stderr: "" });
    expect(readLogSize(cwd)).toBe(0);
    const lines = '{"text":"zwölf","embedding":[0,1,0,0]}\r\n\n{"text":"noon","embedding":[0,1,1,0]}';
    expect(await run(cwd, ["import"], {}, lines)).toMatchObject({ code: 0, stdout: "2\n", stderr: "" });
    const found = await run(cwd, ["search", "0,1,0,0", "3"]);
    expect(found).toMatchObject({ code: 0, stderr: "" });
    const texts = found.stdout
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(texts).toMatchObject([
      { text: "zwölf" },
      { text: "noon" },
      { id: JSON.parse(added.stdout).id, text: "--version of the boat's log" },
    ]);
  });

  test("import names the bad line and stores nothing", async () => {
    const cwd = makeDirectory();
    const good = '{"text":"a","embedding":[1,0,0,0]}\n';
    const result = await run(cwd, ["import"], {}, `${good}\n{"text":"b","embedding":[1,0,0,"0"]}\n${good}`);
    expect(result).toMatchObject({ code: 65, stdout: "" });
    expect(result.stderr).toContain("line 3: embedding[3] is not a finite number");
    expect(await run(cwd, ["search", "1,0,0,0"])).toMatchObject({ code: 0, stdout: "" });
  });

  test("twenty writers at once on a fresh directory all get through", async () => {
    const cwd = makeDirectory();
    const runs = await Promise.all(
      Array.from({ length: 20 }, (_, n) => run(cwd, ["add", `note ${n}`, `1,${n},0,0`])),
    );
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      runs.map(() => ({ code: 0, stderr: "" })),
    );
    const found = await run(cwd, ["search", "1,0,0,0", "100"]);
    expect(found.stdout.trimEnd().split("\n")).toHaveLength(20);
  });
});

describe("the data directory", () => {
  test("is the first entry of STATE_DIRECTORY, whatever its name looks like", async () => {
    const cwd = makeDirectory();
    const state = join(cwd, "my state%20#1?");
    const env = { STATE_DIRECTORY: `${state}:${join(cwd, "other")}` };
    expect(await run(cwd, ["add", "here", "1,0,0,0"], env)).toMatchObject({ code: 0 });
    expect(existsSync(join(state, "brain.db"))).toBe(true);
    expect(existsSync(join(cwd, "other"))).toBe(false);
    expect((await run(cwd, ["search", "1,0,0,0"], env)).stdout).toContain('"here"');
  });

  test("keeps the embedding size it was made with", async () => {
    const cwd = makeDirectory();
    expect(await run(cwd, ["add", "three", "1,2,3"], { BRAIN_DIMENSIONS: "3" })).toMatchObject({ code: 0 });
    const result = await run(cwd, ["search", "1,2,3,4"]);
    expect(result).toMatchObject({ code: 78, stdout: "" });
    expect(result.stderr).toContain("set BRAIN_DIMENSIONS=3");
  });

  test("is refused when its database is not one", async () => {
    const cwd = makeDirectory();
    mkdirSync(join(cwd, "data"));
    writeFileSync(join(cwd, "data/brain.db"), "not a database ".repeat(1000));
    const result = await run(cwd, [], { PORT: "0" });
    expect(result).toMatchObject({ code: 65, stdout: "" });
    expect(result.stderr).toContain("file is not a database");
  });

  test("is refused with 73 when it cannot be made", async () => {
    const cwd = makeDirectory();
    writeFileSync(join(cwd, "data"), "a file is in the way");
    expect(await run(cwd, ["search", "1,2,3,4"])).toMatchObject({ code: 73, stdout: "" });
  });
});

test.each([
  { name: "BRAIN_PORT", value: "65536" },
  { name: "PORT", value: "http" },
  { name: "BRAIN_DIMENSIONS", value: "0" },
  { name: "BRAIN_TOKEN", value: "two words" },
  { name: "BRAIN_TOKEN", value: "x".repeat(73) },
  { name: "BRAIN_TOKEN_HASH", value: "secret" },
])("$name=$value exits 78, names the variable and makes nothing", async ({ name, value }) => {
  const cwd = makeDirectory();
  const result = await run(cwd, [], { [name]: value });
  expect(result).toMatchObject({ code: 78, stdout: "" });
  expect(result.stderr).toContain(name);
  expect(existsSync(join(cwd, "data"))).toBe(false);
});
