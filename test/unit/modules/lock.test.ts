/** The lock between real processes: living, dead, reused, unreachable and stuck holders. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ERRORS, toGantryError } from "../../../src/base/errors.ts";
import {
  formatLockOwner,
  isDead,
  parseLockOwner,
  readSelf,
  readWorld,
  type LockOwner,
} from "../../../src/modules/lock/owner.ts";
import { readLockOwner, takeLock, type Lock, type LockLimits } from "../../../src/modules/lock/lock.ts";

const LIMITS: LockLimits = { beat: 20, stale: 60_000, stuck: 60_000, poll: 10 };
let directory = "";
let path = "";
let children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-lock-"));
  path = join(directory, "lock");
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  rmSync(directory, { recursive: true, force: true });
});

interface Wanted {
  readonly limits?: Partial<LockLimits>;
  readonly done?: () => boolean;
  readonly waiting?: (holder: LockOwner | undefined) => void;
  readonly signal?: AbortSignal;
}
const take = (wanted: Wanted = {}): Promise<Lock | undefined> =>
  takeLock(path, {
    limits: { ...LIMITS, ...wanted.limits },
    signal: wanted.signal ?? new AbortController().signal,
    done: wanted.done ?? (() => false),
    waiting: wanted.waiting ?? (() => undefined),
  });

/** A process that does nothing until the test ends it. */
async function sleeper(): Promise<ChildProcess> {
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  children.push(child);
  await once(child, "spawn");
  return child;
}

const record = (pid: number, change: Partial<LockOwner> = {}): void =>
  writeFileSync(path, formatLockOwner({ ...readSelf("of-another", pid), ...change }));

describe("a free lock", () => {
  it("is taken, says who holds it, beats, and is gone when released", async () => {
    const lock = await take();
    lock?.report("installing", 7);
    await expect
      .poll(() => readLockOwner(path))
      .toMatchObject({ pid: process.pid, step: "installing", progress: 7 });
    const { beat } = readLockOwner(path) ?? { beat: 0 };
    await expect.poll(() => readLockOwner(path)?.beat).toBeGreaterThan(beat);
    lock?.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("cannot be taken where nothing can be written", async () => {
    path = join(directory, "no-such-directory/lock");
    await expect(take()).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("a held lock", () => {
  it("is waited for, with the holder's name, until it is released", async () => {
    const first = await take();
    first?.report("checking", 1);
    const seen: (LockOwner | undefined)[] = [];
    const second = take({ waiting: (holder) => seen.push(holder) });
    await expect.poll(() => seen.some((holder) => holder?.step === "checking")).toBe(true);
    first?.release();
    const lock = await second;
    expect(lock).toBeDefined();
    lock?.release();
  });

  it("is no longer waited for once the work is done", async () => {
    const child = await sleeper();
    record(child.pid ?? 0);
    let done = false;
    const waiter = take({ done: () => done, waiting: () => (done = true) });
    expect(await waiter).toBeUndefined();
    expect(existsSync(path)).toBe(true);
  });

  it("ends the waiting when the waiter is told to stop", async () => {
    const child = await sleeper();
    record(child.pid ?? 0);
    const stop = new AbortController();
    const waiter = take({ signal: stop.signal, waiting: () => stop.abort() });
    await expect(waiter).rejects.toMatchObject({ name: "AbortError" });
    expect(existsSync(path)).toBe(true);
  });

  it("is not released by one who lost it", async () => {
    const lock = await take();
    const child = await sleeper();
    rmSync(path);
    record(child.pid ?? 0);
    lock?.release();
    expect(readLockOwner(path)?.nonce).toBe("of-another");
  });

  it("ends in LOCK_TIMEOUT when its living holder gets nowhere, beating or not", async () => {
    const child = await sleeper();
    let beat = 0;
    const waiting = () => record(child.pid ?? 0, { step: "installing", beat: (beat += 1) });
    waiting();
    const error = toGantryError(
      await take({ limits: { stuck: 100 }, waiting }).catch((thrown: unknown) => thrown),
    );
    expect(error.exit).toBe(ERRORS.LOCK_TIMEOUT.exit);
    expect(error.findings[0]).toMatchObject({
      code: "LOCK_TIMEOUT",
      what: expect.stringContaining(`process ${child.pid}`),
      fix: expect.stringContaining(`end process ${child.pid}`),
    });
    expect(existsSync(path)).toBe(true);
  });

  it("is waited for as long as its holder makes progress", async () => {
    const child = await sleeper();
    let looks = 0;
    const began = performance.now();
    const lock = await take({
      limits: { stuck: 100 },
      waiting: () => {
        looks += 1;
        if (performance.now() - began < 400) record(child.pid ?? 0, { progress: looks });
        else rmSync(path, { force: true });
      },
    });
    expect(lock).toBeDefined();
    lock?.release();
  });
});

describe("a lock whose holder is gone", () => {
  it("is taken over at once when the process is known to be dead", async () => {
    const { pid } = spawnSync("true");
    record(pid);
    const lock = await take();
    expect(readLockOwner(path)?.pid).toBe(process.pid);
    lock?.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("is taken over when its process id belongs to somebody else by now", async () => {
    const child = await sleeper();
    record(child.pid ?? 0, { started: "1" });
    const lock = await take();
    expect(lock).toBeDefined();
    lock?.release();
  });

  it.skipIf(!existsSync("/proc/self/stat"))(
    "is taken over from a process that nobody has buried yet",
    async () => {
      // The inner sh ends when told to; its parent is sleep by then, which never waits for it.
      const child = spawn("sh", ["-c", 'exec 3<&0; sh -c "read line <&3" & echo $!; exec sleep 600'], {
        stdio: ["pipe", "pipe", "ignore"],
      });
      children.push(child);
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const pid = Number(line.toString());
      await expect.poll(() => readFileSync(`/proc/${child.pid}/comm`, "utf8")).toBe("sleep\n");
      child.stdin.end("go\n");
      await expect.poll(() => readFileSync(`/proc/${pid}/stat`, "utf8")).toMatch(/\) Z /);
      const started = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19] ?? "";
      expect(isDead({ ...readSelf("n", pid), started }, readWorld())).toBe(true);
    },
  );

  it.each([
    ["on another machine or in another container", { world: "elsewhere pid:[1]" }],
    ["where /proc hides everything", { world: "" }],
  ])("%s is taken over only after a long silence", async (_, change) => {
    const { pid } = spawnSync("true");
    record(pid, change);
    let waited = 0;
    const lock = await take({ limits: { stale: 200 }, waiting: () => (waited += 1) });
    expect(waited).toBeGreaterThan(1);
    lock?.release();
  });

  it.each(["", '{"pid": 1', "nonsense"])(
    "is taken over after a silence when its record is %j",
    async (text) => {
      writeFileSync(path, text);
      const lock = await take({ limits: { stale: 100 } });
      expect(lock).toBeDefined();
      lock?.release();
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  it("is taken over by one of many who try at once", async () => {
    const { pid } = spawnSync("true");
    record(pid);
    let holders = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const lock = await take();
        holders += 1;
        most = Math.max(most, holders);
        await new Promise((resolve) => setTimeout(resolve, 2));
        holders -= 1;
        lock?.release();
      }),
    );
    expect(most).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("a record", () => {
  it("has one size, so that a beat overwrites it whole", () => {
    const self = readSelf("nonce", process.pid);
    const texts = [self, { ...self, step: "installing 21 modules from the registry", progress: 13_200_000 }];
    expect(new Set(texts.map((holder) => formatLockOwner(holder).length)).size).toBe(1);
    expect(texts.map((holder) => parseLockOwner(formatLockOwner(holder)))).toEqual(texts);
  });

  it.each(["[]", "null", '{"pid":1}', JSON.stringify({ ...readSelf("n", 1), pid: -1 })])(
    "is not %s",
    (text) => {
      expect(parseLockOwner(text)).toBeUndefined();
    },
  );
});
