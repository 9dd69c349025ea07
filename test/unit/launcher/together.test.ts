/** Many starts at once, and starts that die in the middle: one tree, whole or not there. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatLockOwner, readSelf } from "../../../src/modules/lock/owner.ts";
import { NOTES } from "../../../src/release/start/stamp.ts";
import { startRegistry, type Registry } from "../../support/modules/registry.ts";
import { bareEnvironment, type Run } from "../../support/launcher/fixture.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

const fixture = useFixture();
let root = "";
/**
 * Each test's own: the package manager of a killed launcher lives on for a while, and must not ask the registry of a
 * later test.
 */
let own: Registry;
beforeEach(async () => {
  own = await startRegistry();
});
afterEach(async () => {
  await own.close();
});

const QUIET = { code: 0, signal: null, stdout: "", stderr: "" };
const environment = () => ({ GANTRY_REGISTRY: own.url });
const start = (heard?: (text: string, pid: number) => void): Promise<Run> =>
  fixture.launch(root, ["start"], environment(), heard === undefined ? {} : { heard });
const leftovers = () => readdirSync(root).filter((name) => name.startsWith(".gantry"));
const installs = (runs: readonly Run[]) =>
  runs.filter(({ stderr }) => /^gantry: installing/m.test(stderr)).length;
const failed = (runs: readonly Run[]) => runs.filter(({ code }) => code !== 0);
const many = (count: number) => Promise.all(Array.from({ length: count }, () => start()));
const TARBALLS = 4;

describe("twenty starts at once", () => {
  it("install once; the others wait and start", async () => {
    root = fixture.make();
    const runs = await many(20);
    expect(failed(runs)).toEqual([]);
    expect(installs(runs)).toBe(1);
    const tarballs = own.requests.filter((path) => path.endsWith(".tgz"));
    expect(tarballs.filter((path) => path.startsWith("bcrypt/"))).toHaveLength(1);
    expect(tarballs.length).toBeGreaterThanOrEqual(TARBALLS);
    expect(new Set(tarballs).size).toBe(tarballs.length);
    expect(leftovers()).toEqual([]);
    expect(await start()).toEqual(QUIET);
  });

  it("prove a tree that is there without getting into each other's way", async () => {
    root = fixture.make({ tree: "present" });
    const runs = await many(20);
    expect(runs).toEqual(Array.from({ length: 20 }, () => QUIET));
    const stamps = readdirSync(join(root, "node_modules/.gantry")).filter((name) => name !== NOTES);
    expect(stamps).toHaveLength(1);
  });

  it("get over the death of the one that installs", async () => {
    root = fixture.make();
    let killed = 0;
    const kill = (text: string, pid: number) => {
      if (killed !== 0 || !text.includes("installing")) return;
      killed = pid;
      process.kill(pid, "SIGKILL");
    };
    const runs = await Promise.all(Array.from({ length: 8 }, () => start(kill)));
    expect(runs.filter(({ signal }) => signal === "SIGKILL")).toHaveLength(1);
    expect(runs.filter(({ code }) => code === 0)).toHaveLength(7);
    expect(installs(runs)).toBe(2);
    expect(leftovers()).toEqual([]);
  });

  it("do not wait for a lock that a dead process left", async () => {
    root = fixture.make();
    const child = spawn("true");
    await once(child, "exit");
    const dead = readSelf("left-behind", child.pid ?? 0);
    writeFileSync(join(root, ".gantry-lock"), formatLockOwner({ ...dead, started: "1" }));
    const runs = await many(4);
    expect(failed(runs)).toEqual([]);
    expect(installs(runs)).toBe(1);
    expect(leftovers()).toEqual([]);
  });
});

describe("a start that is killed", () => {
  it.each(["installing", "checking every file", "loading 2 modules", "writing the modules"])(
    "at '%s' leaves nothing that the next one trusts wrongly",
    async (step) => {
      root = fixture.make();
      const first = await start((text, pid) => {
        if (text.includes(step)) process.kill(pid, "SIGKILL");
      });
      expect(first.signal).toBe("SIGKILL");
      const second = await start();
      expect(failed([second])).toEqual([]);
      expect(leftovers()).toEqual([]);
      expect(await start()).toEqual(QUIET);
    },
  );

  it("when all is done has done it: what is left of its lock keeps nobody waiting", async () => {
    root = fixture.make();
    await start((text, pid) => {
      if (text.includes("are ready")) process.kill(pid, "SIGKILL");
    });
    expect(await start()).toEqual(QUIET);
  });

  it("while a package is on its way does so as well", async () => {
    root = fixture.make();
    let pid = 0;
    let killed = false;
    own.misbehave = () => {
      if (!killed) process.kill(pid, "SIGKILL");
      killed = true;
      return "taken";
    };
    const first = await fixture.launch(root, ["start"], environment(), { started: (id) => (pid = id) });
    expect(first.signal).toBe("SIGKILL");
    expect(leftovers()).toHaveLength(2);
    own.misbehave = undefined;
    expect(failed([await start()])).toEqual([]);
    expect(leftovers()).toEqual([]);
  });
});

describe("a start that is told to stop", () => {
  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "by %s cleans up within a second and dies of it",
    async (signal) => {
      root = fixture.make();
      let asked = 0;
      let pid = 0;
      own.misbehave = () => {
        if (asked === 0) process.kill(pid, signal);
        asked = asked === 0 ? performance.now() : asked;
        return "taken";
      };
      const run = await fixture.launch(root, ["start"], environment(), { started: (id) => (pid = id) });
      expect(run).toMatchObject({ code: null, signal, stdout: "" });
      expect(run.stderr).toContain(`stopped by ${signal}`);
      expect(performance.now() - asked).toBeLessThan(1000);
      expect(readdirSync(root).toSorted()).toEqual(["SHA256SUMS", "bun.lock", "lib", "package.json"]);
    },
  );

  it("while it waits for another one leaves that one alone", async () => {
    root = fixture.make();
    const lock = join(root, ".gantry-lock");
    writeFileSync(lock, formatLockOwner({ ...readSelf("busy", process.pid), step: "a long task" }));
    const waiter = await start((text, pid) => {
      if (text.includes("waiting")) process.kill(pid, "SIGTERM");
    });
    expect(waiter.signal).toBe("SIGTERM");
    expect(waiter.stderr).toMatch(/waiting for process \d+ on \S+: a long task/);
    expect(readFileSync(lock, "utf8")).toContain('"busy"');
  });
});

it("goes on without anybody to listen, and leaves no lock behind", async () => {
  root = fixture.make();
  const args = ["--no-install", join(root, "lib/launcher.mjs"), "start"];
  // The shell ends at once: its child's standard error is a pipe without a reader from then on.
  const command = `"$0" "$@" 2>&1 >/dev/null | true`;
  const child = spawn("/bin/sh", ["-c", command, join(root, "lib/tiny"), ...args], {
    cwd: fixture.directory,
    env: { ...bareEnvironment(), BUN_BE_BUN: "1", ...environment() },
    stdio: "ignore",
  });
  await once(child, "exit");
  await expect.poll(() => existsSync(join(root, "node_modules/.gantry")), { timeout: 10_000 }).toBe(true);
  await expect.poll(leftovers, { timeout: 10_000 }).toEqual([]);
});
