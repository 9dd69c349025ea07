/**
 * A compiled app beside its modules does what plain Bun does with the same source: the expected side of every
 * comparison is plain Bun's own output, taken while the app still had its modules beside it.
 */
import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseProbeOutput } from "../../../../src/release/start/probe-protocol.ts";
import type { CompileResult } from "../../../../src/build/compile/compile.ts";
import {
  BUN,
  BUN_VERSION,
  installFixture,
  makeWorkbench,
  runProgram,
  type Output,
} from "../../../support/build/workbench.ts";

const EXTERNALS = [
  "@libsql/client",
  "@tootallnate/once",
  "bcrypt",
  "broken",
  "half",
  "libsql",
  "live",
  "mitt",
  "ms",
  "nanoid",
  "not-installed",
  "not-installed-either",
  "odd",
  "only-required",
  "tla",
  "waits",
  "yocto-queue",
];

const bench = makeWorkbench();
const app = join(bench.root, "app");
const release = join(bench.root, "release");
const brain = join(release, "lib/brain");
const modules = join(release, "node_modules");
/** A directory that tries everything a current directory can try. */
const hostile = join(bench.root, "hostile");

let plainTable: Output;
let result: CompileResult;

beforeAll(async () => {
  installFixture(app);
  plainTable = runProgram(BUN, ["run", "main.ts", "table"], { cwd: app });
  mkdirSync(release);
  renameSync(join(app, "node_modules"), modules);
  result = await bench.compile({
    entry: join(app, "main.ts"),
    outfile: brain,
    externals: EXTERNALS,
    modulesRoot: release,
    settings: {
      defines: { BUILT_FOR: JSON.stringify("tests") },
      plugins: ["greeting-plugin.mjs"],
      workers: ["jobs/worker.ts"],
      sourcemap: "inline",
    },
  });
  const planted = 'console.log("PLANTED"); process.exit(13);';
  bench.write("hostile", {
    "bunfig.toml": 'preload = ["./preload.js"]\n',
    "preload.js": planted,
    ".env": "PLANTED=yes\nNODE_PATH=/nowhere\n",
    "package.json": JSON.stringify({ name: "ms", scripts: { brain: "echo PLANTED", env: "echo PLANTED" } }),
    "tsconfig.json": JSON.stringify({ compilerOptions: { paths: { ms: ["./preload.js"] } } }),
    ...Object.fromEntries(
      EXTERNALS.flatMap((name) => [
        [`node_modules/${name}/index.js`, planted],
        [`node_modules/${name}/package.json`, JSON.stringify({ name, version: "0.0.0", main: "index.js" })],
      ]),
    ),
  });
});

afterAll(() => bench.remove());

const run = (args: readonly string[], env: Record<string, string> = {}): Output =>
  runProgram(brain, args, { cwd: hostile, env });

/** Takes the release's modules away to another place. */
function moveModules(): string {
  const elsewhere = join(bench.root, "store/abc/node_modules");
  mkdirSync(join(bench.root, "store/abc"), { recursive: true });
  renameSync(modules, elsewhere);
  return elsewhere;
}

describe("imports of externals", () => {
  test("give what plain Bun gives, from a directory that plants every one of them", () => {
    expect(plainTable.stderr).toBe("");
    const expected = JSON.parse(plainTable.stdout) as Record<string, unknown>;
    const compiled = run(["table"]);
    expect(compiled.stderr).toBe("");
    expect(JSON.parse(compiled.stdout)).toEqual(expected);
  });

  test("would come from that directory in a plain compile", () => {
    const main = join(bench.write("trap", { "main.ts": 'import "ms";' }), "main.ts");
    const trapped = join(bench.root, "trap/trapped");
    const compiled = runProgram(BUN, ["build", "--compile", "--external=ms", `--outfile=${trapped}`, main], {
      cwd: bench.root,
    });
    expect(compiled.code).toBe(0);
    expect(runProgram(trapped, [], { cwd: hostile })).toMatchObject({ code: 13, stdout: "PLANTED\n" });
  });

  test("work from a tree that lies elsewhere", () => {
    const elsewhere = moveModules();
    try {
      expect(run(["search"]).stderr).toContain("Cannot find package");
      expect(run(["search"], { GANTRY_MODULES: elsewhere }).stdout).toBe("up\n");
      expect(run(["search"], { NODE_PATH: elsewhere }).stdout).toBe("up\n");
    } finally {
      renameSync(elsewhere, modules);
    }
  });

  test("are listed with every specifier that is loaded", () => {
    expect(result.imports["bcrypt"]).toEqual(["bcrypt", "bcrypt/package.json"]);
    expect(result.imports["@libsql/client"]).toEqual(["@libsql/client", "@libsql/client/node"]);
    expect(result.imports["nanoid"]).toEqual(["nanoid", "nanoid/no-such-file", "nanoid/non-secure"]);
    // Only ever resolved, or not imported at all.
    expect(Object.keys(result.imports)).not.toContain("not-installed-either");
  });

  test("reach native code", () => {
    expect(run(["search"])).toEqual({ code: 0, stdout: "up\n", stderr: "" });
  });
});

describe("settings", () => {
  test("defines, plugins and a plugin's own modules are compiled in", () => {
    expect(run(["constants"]).stdout).toBe('["tests","hello after 1000"]\n');
  });

  test("a source map keeps the app's own line numbers", () => {
    const lines = readFileSync(join(app, "main.ts"), "utf8").split("\n");
    const line = lines.findIndex((text) => text.includes("thrown on purpose")) + 1;
    const { code, stderr } = run(["throw"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`main\\.ts:${line}:`));
  });

  test("the result says which Bun it was and whether there is bytecode", () => {
    expect(result.bunVersion).toBe(BUN_VERSION);
    expect(result.bytecode).toBe(result.withoutBytecode === undefined);
  });
});

describe("processes and threads", () => {
  test("a worker imports externals", () => {
    const manifest = readFileSync(join(modules, "bcrypt/package.json"), "utf8");
    const { version } = JSON.parse(manifest) as { version: string };
    expect(JSON.parse(run(["worker"]).stdout)).toEqual([172_800_000, 21, 0, version, []]);
  });

  test("workers and the app's own children follow the tree that the app was given", () => {
    const elsewhere = moveModules();
    try {
      const named = { GANTRY_MODULES: elsewhere };
      expect(run(["worker"], named).stdout).toMatch(/^\[172800000,/);
      expect(run(["again", "search"], named).stdout).toBe("up\n");
      expect(run(["again", "worker"], named).stdout).toMatch(/^\[172800000,/);
    } finally {
      renameSync(elsewhere, modules);
    }
  });

  test("a child that runs a script as Bun finds the same modules by name", () => {
    const script = join(bench.write("scripts", { "child.mjs": CHILD }), "child.mjs");
    const { stdout, stderr } = runProgram(brain, ["spawn", script], { cwd: bench.root });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual([172_800_000, "function", "up"]);
  });

  test("the app can run itself again", () => {
    expect(run(["again", "search"], { GANTRY_MODULES: modules })).toEqual({
      code: 0,
      stdout: "up\n",
      stderr: "",
    });
  });

  test("neither the app nor its children see gantry's variables", () => {
    const given = { GANTRY_MODULES: modules, GANTRY_SKIP: "X", BUN_OPTIONS: "--smol" };
    expect(run(["gantry-env"], given).stdout).toBe("[]\n");
    expect(run(["again", "gantry-env"], given).stdout).toBe("[]\n");
  });

  test("NODE_PATH begins with the tree in use and has no empty entries", () => {
    const { stdout } = run(["env", "NODE_PATH"], {
      GANTRY_MODULES: modules,
      NODE_PATH: `:/other::${modules}:`,
    });
    expect(JSON.parse(stdout)).toEqual({ NODE_PATH: `${modules}:/other` });
    expect(JSON.parse(run(["again", "env", "NODE_PATH"]).stdout)).toEqual({ NODE_PATH: modules });
  });
});

const CHILD = `
import ms from "ms";
import { createClient } from "@libsql/client";
import { createRequire } from "node:module";
const client = createClient({ url: ":memory:" });
const { rows } = await client.execute("SELECT 'up' AS word");
console.log(JSON.stringify([ms("2 days"), typeof createRequire(import.meta.url)("bcrypt").hash, rows[0].word]));
`;

describe(".env beside the release", () => {
  test("is data: it fills gaps, never steers the loader, and the caller's is not read", () => {
    bench.write("release", {
      ".env":
        'PORT=1\nNAME="two words"\nHOME=/changed\nLD_PRELOAD=/x.so\nNODE_PATH=/x\nBUN_OPTIONS=--x\nGANTRY_SKIP=1\nSHELL_LIKE=$(id)\n',
    });
    const { stdout, stderr } = run(["env", "PORT", "NAME", "HOME", "SHELL_LIKE", "PLANTED", "LD_PRELOAD"], {
      PORT: "2",
    });
    expect(JSON.parse(stdout)).toEqual({
      PORT: "2",
      NAME: "two words",
      HOME: process.env["HOME"] ?? null,
      SHELL_LIKE: "$(id)",
      PLANTED: null,
      LD_PRELOAD: null,
    });
    expect(stderr.trim().split("\n").toSorted()).toEqual([
      "gantry: .env: BUN_OPTIONS is not taken from this file",
      "gantry: .env: GANTRY_SKIP is not taken from this file",
      "gantry: .env: LD_PRELOAD is not taken from this file",
      "gantry: .env: NODE_PATH is not taken from this file",
    ]);
  });

  test("that cannot be read is a warning", () => {
    renameSync(join(release, ".env"), join(release, ".env.away"));
    mkdirSync(join(release, ".env"));
    const { code, stderr } = run(["env"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^gantry: \.env: cannot be read \(EISDIR\)/);
    renameSync(join(release, ".env"), join(release, ".env.directory"));
  });
});

describe("the load probe", () => {
  test("loads each specifier, reports the failures, and does not start the app", () => {
    const specifiers = [
      "ms",
      "broken",
      "waits",
      "@libsql/client",
      "nanoid/non-secure",
      "not-installed",
      "only-required",
      "half",
    ];
    const request = JSON.stringify({ nonce: "n1", specifiers });
    const { code, stdout } = run(["search"], { GANTRY_PROBE: request, GANTRY_MODULES: modules });
    expect(code).toBe(0);
    const answers = parseProbeOutput(stdout, "n1");
    expect(answers.map(({ specifier, state }) => [specifier, state])).toEqual(
      specifiers.flatMap((name) => [
        [name, "loading"],
        [name, ["broken", "not-installed", "half"].includes(name) ? "failed" : "loaded"],
      ]),
    );
    expect(answers).toContainEqual({
      specifier: "broken",
      state: "failed",
      name: "TypeError",
      message: "broken on purpose",
    });
    const half = answers.find((answer) => answer.specifier === "half" && answer.state === "failed");
    expect(half).toMatchObject({ message: expect.stringContaining("half-linux-x64-gnu") as string });
    expect(stdout.split("\n").filter((line) => line !== "" && !line.startsWith("gantry-probe n1 "))).toEqual(
      [],
    );
  });
});
