/**
 * The pruned tree holds all that the modules need, also where the sample app does not go: the app under Node, and
 * libsql's remote clients (http:, ws:, a replica with a syncUrl) under Bun and under Node. That the compiled app runs
 * on the same tree under Bun is start.test.ts's.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { checkStoredNotes, exerciseBrain, runBrain, startBrain } from "../support/app/brain-client.ts";
import { startLibsqlServer } from "../support/libsql-server/server.ts";
import { makeScratch, type Scratch } from "../support/app/release.ts";

const fixture = fileURLToPath(new URL("../fixtures", import.meta.url));
const adapter = fileURLToPath(new URL("../support/app/bun-for-node.ts", import.meta.url));

let scratch: Scratch;
let release = "";
/** Both programs lie in the release, so that Node and Bun find its node_modules and no other. */
let clients = "";
let app = "";

beforeAll(async () => {
  scratch = makeScratch();
  release = buildWithClient();
  const prepared = await gantry("prepare");
  if (prepared.code !== 0) throw new Error(prepared.stderr);
  clients = join(release, "clients.mjs");
  app = join(release, "app.mjs");
  copyFileSync(join(fixture, "libsql-clients/exercise.mjs"), clients);
  await bundleForNode(app);
});
afterAll(() => scratch.dispose());

/** Builds the sample with its client outside of the binary, where Node finds it too. */
function buildWithClient(): string {
  const from = join(scratch.directory, "sample");
  cpSync(join(fixture, "test-brain"), from, { recursive: true });
  const file = join(from, "package.json");
  const json = JSON.parse(readFileSync(file, "utf8")) as { gantry: object };
  json.gantry = { ...json.gantry, externals: ["+@libsql/client"] };
  writeFileSync(file, JSON.stringify(json));
  const out = join(scratch.directory, "out");
  const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
  const bun = fileURLToPath(new URL("../../node_modules/bun/bin/bun.exe", import.meta.url));
  execFileSync(
    process.execPath,
    [cli, "build", from, "--no-archive", "--no-smoke", "--bun", bun, "--out", out],
    {
      stdio: "pipe",
    },
  );
  const [name = ""] = readdirSync(out);
  return join(out, name);
}

const startUnderNode = (cwd: string, env: Record<string, string> = {}) =>
  startBrain([process.execPath, app], { cwd, env: { ...scratch.env, ...env } });
const gantry = (command: string) =>
  runBrain([join(release, "gantry"), command], { cwd: scratch.empty, env: scratch.env });

function makeDirectory(name: string): string {
  const directory = join(scratch.directory, name);
  mkdirSync(directory);
  return directory;
}

/** The sample app in one file, with its modules left to the place where the file lies. */
async function bundleForNode(outfile: string): Promise<void> {
  const source = join(fixture, "test-brain");
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(source, "package.json"), "utf8"),
  ) as Record<"dependencies" | "optionalDependencies", Record<string, string>>;
  const imports = [adapter, join(source, "src/main.ts")].map((file) => `import ${JSON.stringify(file)};`);
  await build({
    stdin: { contents: imports.join("\n"), resolveDir: source },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: Object.keys({ ...dependencies, ...optionalDependencies }),
    define: { "import.meta.main": "true" },
    logLevel: "warning",
  });
}

const RUNTIMES = {
  Bun: () => ({
    command: [join(release, "lib/brain"), "--config=/dev/null", "--env-file=/dev/null", "--no-install"],
    env: { BUN_BE_BUN: "1" },
  }),
  Node: () => ({ command: [process.execPath], env: {} }),
};

describe("the sample app under Node, on the pruned tree", () => {
  it("answers everything as it does under Bun, and finds it again", async () => {
    const cwd = makeDirectory("served");
    const first = await startUnderNode(cwd);
    const ids = await exerciseBrain(first);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    expect(first.stderr()).toMatch(/^brain: end-to-end encryption is off: .*\n$/);
    const second = await startUnderNode(cwd, { BRAIN_TOKEN: first.token });
    await checkStoredNotes(second, ids);
    expect(await second.stop("SIGINT")).toEqual({ code: 0, signal: null });
  });

  it("imports from its standard input and searches", async () => {
    const options = { cwd: makeDirectory("imported"), env: scratch.env };
    const stdin = '{"text":"near","embedding":[1,0,0,0]}\n{"text":"far","embedding":[0,1,0,0]}\n';
    const imported = await runBrain([process.execPath, app, "import"], { ...options, stdin });
    expect(imported).toMatchObject({ code: 0, stdout: "2\n", stderr: "" });
    const found = await runBrain([process.execPath, app, "search", "1,0.1,0,0", "1"], options);
    expect(found.code).toBe(0);
    expect(JSON.parse(found.stdout)).toMatchObject({ text: "near" });
  });
});

describe.each(["Bun", "Node"] as const)("libsql's remote clients under %s, on the pruned tree", (name) => {
  const run = (...args: readonly string[]) => {
    const { command, env } = RUNTIMES[name]();
    return runBrain([...command, clients, ...args], { cwd: scratch.empty, env: { ...scratch.env, ...env } });
  };

  it.each([
    ["import", "lib-esm"],
    ["require", "lib-cjs"],
  ])("by %s, query over http: and ws:, and keep a replica that forwards its writes", async (half, folder) => {
    const directory = makeDirectory(`${name}-${half}`);
    const modules = join(release, "node_modules");
    const server = await startLibsqlServer(modules, join(directory, "primary.db"));
    onTestFinished(() => server.stop());
    const { authority, token, requests } = server;
    const urls = [`http://${authority}`, `ws://${authority}`];
    const result = await run(half, token, join(directory, "replica.db"), ...urls);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(result.stdout)).toEqual({
      client: pathToFileURL(join(modules, "@libsql/client", folder, "node.js")).href,
      addons: [join(modules, "@libsql/linux-x64-gnu/index.node")],
    });
    expect(requests).toEqual(
      expect.arrayContaining([
        "POST /v2/pipeline",
        "ws hrana2 hello",
        "ws hrana2 batch",
        "POST /wal_log.ReplicationLog/Hello",
        "POST /wal_log.ReplicationLog/BatchLogEntries",
        "POST /proxy.Proxy/Execute",
      ]),
    );
  });

  it("are found nowhere else: without one package of the tree they do not load", async () => {
    const needed = join(release, "node_modules/@libsql/hrana-client");
    renameSync(needed, `${needed}-away`);
    onTestFinished(() => renameSync(`${needed}-away`, needed));
    const result = await run("import", "token", join(scratch.empty, "never.db"));
    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain("@libsql/hrana-client");
  });
});

it("is still, file by file, the tree of the manifest", async () => {
  expect(await gantry("verify")).toMatchObject({ code: 0 });
});
