import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkStoredNotes, exerciseBrain, runBrain, startBrain } from "../support/app/brain-client.ts";
import { copyRelease, makeScratch, type Scratch } from "../support/app/release.ts";

let scratch: Scratch;
let release = "";

beforeAll(() => {
  scratch = makeScratch();
  release = copyRelease(scratch.directory);
});
afterAll(() => scratch.dispose());

const environmentOf = (pid: number): Record<string, string> =>
  Object.fromEntries(
    readFileSync(`/proc/${pid}/environ`, "utf8")
      .split("\0")
      .filter((line) => line !== "")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );

const run = (
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; stdin?: string } = {},
) =>
  runBrain([join(release, "brain"), ...args], {
    cwd: options.cwd ?? scratch.empty,
    env: { ...scratch.env, ...options.env },
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
  });

describe("the first start", () => {
  it("fetches modules, serves a search, names missing optional modules, stops cleanly", async () => {
    const brain = await startBrain([join(release, "brain")], { cwd: scratch.empty, env: scratch.env });
    const ids = await exerciseBrain(brain);
    expect(await brain.stop()).toEqual({ code: 0, signal: null });
    expect(brain.stderr().match(/end-to-end encryption is off/g)).toHaveLength(1);
    expect(brain.stdout()).toMatch(/^brain listening on http:\/\/127\.0\.0\.1:\d+\n$/);

    const again = await startBrain([join(release, "brain")], {
      cwd: scratch.empty,
      env: { ...scratch.env, BRAIN_TOKEN: brain.token },
    });
    await checkStoredNotes(again, ids);
    expect(await again.stop("SIGINT")).toEqual({ code: 0, signal: null });
    expect(again.stderr()).not.toContain("gantry:");
  });

  it("leaves the tree, the stamp and nothing else behind", () => {
    const names = readdirSync(release);
    expect(names.filter((name) => name.startsWith(".gantry"))).toEqual([]);
    expect(readdirSync(join(release, "node_modules/.gantry")).length).toBeGreaterThan(0);
    expect(readdirSync(join(release, "node_modules"))).not.toContain(".bin");
  });
});

describe("a ready release", () => {
  it("passes arguments, standard input and exit codes through", async () => {
    expect(await run(["--version"])).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n", stderr: "" });
    expect(await run(["no such command"])).toMatchObject({ code: 64 });
    const cwd = join(scratch.directory, "import");
    mkdirSync(cwd);
    const stdin = '{"text":"a \\"b\\" $c `d`","embedding":[1,0,0,0]}\n';
    expect(await run(["import"], { cwd, stdin })).toMatchObject({ code: 0 });
    const found = await run(["search", "1,0,0,0"], { cwd });
    expect(found.stdout).toContain('a \\"b\\" $c `d`');
    expect(readdirSync(cwd)).toEqual(["data"]);
    expect(await run(["import"], { cwd, stdin: "nonsense\n" })).toMatchObject({ code: 65 });
  });

  it("is the app itself: same process, and a clean environment", async () => {
    const env = {
      ...scratch.env,
      BUN_BE_BUN: "1",
      BUN_OPTIONS: "--preload=/nonexistent.js",
      GANTRY_OFFLINE: "1",
      GANTRY_LOG_LEVEL: "error",
      NODE_PATH: ":/first::/second:",
    };
    const brain = await startBrain([join(release, "brain")], { cwd: scratch.empty, env });
    const seen = environmentOf(brain.pid);
    const program = readFileSync(`/proc/${brain.pid}/cmdline`, "utf8").split("\0")[0];
    const children = readFileSync(`/proc/${brain.pid}/task/${brain.pid}/children`, "utf8");
    await brain.stop();
    expect(program).toBe(join(release, "lib/brain"));
    expect(children).toBe("");
    expect(
      Object.keys(seen).filter((name) => /^(?:BUN_BE_BUN|BUN_OPTIONS|GANTRY_(?!MODULES$))/.test(name)),
    ).toEqual([]);
    expect(seen["NODE_PATH"]).toBe(`${release}/node_modules:/first:/second`);
  });

  it("keeps descriptors that the caller handed over", async () => {
    const file = join(scratch.directory, "seven");
    writeFileSync(file, "seven");
    const script = `exec 7<"$1"; shift; exec "$@"`;
    const brain = await startBrain(["/bin/sh", "-c", script, "sh", file, join(release, "brain")], {
      cwd: scratch.empty,
      env: scratch.env,
    });
    const kept = readFileSync(`/proc/${brain.pid}/fd/7`, "utf8");
    await brain.stop();
    expect(kept).toBe("seven");
  });

  it("is found through links, from the PATH, by a relative path and with spaces in it", async () => {
    const place = join(scratch.directory, "a place with spaces");
    mkdirSync(place);
    symlinkSync(join(release, "brain"), join(place, "linked brain"));
    symlinkSync("linked brain", join(place, "twice"));
    const moved = join(place, "moved release");
    for (const command of [
      [join(place, "linked brain")],
      [join(place, "twice")],
      ["/bin/sh", "-c", `PATH="${release}:$PATH" exec brain --version`],
      ["/bin/sh", join(release, "brain")],
    ]) {
      const result = await runBrain([...command, "--version"], { cwd: scratch.empty, env: scratch.env });
      expect({ command, ...result }).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    }
    const relative = await runBrain(["./brain", "--version"], { cwd: release, env: scratch.env });
    expect(relative).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    renameSync(release, moved);
    const there = await runBrain([join(moved, "brain"), "--version"], {
      cwd: scratch.empty,
      env: scratch.env,
    });
    renameSync(moved, release);
    expect(there).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n", stderr: "" });
  });

  it("reads .env as data: existing variables win, loader variables are refused", async () => {
    const file = join(release, ".env");
    writeFileSync(
      file,
      "BRAIN_TOKEN=$(>owned)`>owned`\nBRAIN_DIMENSIONS=3\nNODE_PATH=/evil\nLD_PRELOAD=/evil.so\nBUN_OPTIONS=-x\n",
    );
    const cwd = join(scratch.directory, "dotenv");
    mkdirSync(cwd);
    writeFileSync(join(cwd, ".env"), "BRAIN_DIMENSIONS=9\n");
    try {
      const added = await run(["add", "three", "1,0,0"], { cwd });
      expect(added).toMatchObject({ code: 0 });
      expect(readdirSync(cwd)).not.toContain("owned");
      for (const name of ["NODE_PATH", "LD_PRELOAD", "BUN_OPTIONS"]) {
        expect(added.stderr.match(new RegExp(`gantry: .*${name}`, "g"))).toHaveLength(1);
      }
      const four = await run(["add", "four", "1,0,0,0"], {
        cwd: join(cwd, ".."),
        env: { BRAIN_DIMENSIONS: "4" },
      });
      expect(four).toMatchObject({ code: 0 });
    } finally {
      rmSync(file);
    }
  });

  it("dies by the signal that the app dies by, and hands on its limits", async () => {
    const child = spawn("/bin/sh", ["-c", `ulimit -n 77; exec "${release}/brain"`], {
      cwd: scratch.empty,
      env: { ...scratch.env, BRAIN_TOKEN: "t", BRAIN_PORT: "0" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const limits = readFileSync(`/proc/${child.pid ?? 0}/limits`, "utf8");
    child.kill("SIGKILL");
    const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
    expect({ code, signal }).toEqual({ code: null, signal: "SIGKILL" });
    expect(limits).toMatch(/Max open files\s+\d+\s+77/);
  });
});
