/**
 * Many first starts at once, with locks that work and locks that do not, and starts that are told to stop: each ends in
 * the one tree, whole, or leaves nothing behind. What has to happen "in the middle" happens while the start stands still.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { formatLockOwner, readSelf } from "../../src/modules/lock/owner.ts";
import { runProgram, type Run } from "../support/launcher/fixture.ts";
import { holdAt, send, type Held } from "../support/faults/hold.ts";
import { findPlaces, runPlainly, type Command, type Point } from "../support/faults/inject.mjs";
import { sharedSubject } from "../support/faults/shared.ts";
import { readTree, reset, type Subject } from "../support/faults/sweep.mjs";

let work = "";
let subject: Subject;
/** Where a start of the subject opens or changes files, in order. */
let points: readonly Point[] = [];
const prepare = (name: "small" | "sample") => () => {
  subject = sharedSubject(name);
  points = findPlaces(subject.start, subject.root, work);
  reset(subject.root);
};
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-adversity-"));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));
afterEach(async () => {
  // A start that still stands still belongs to a test that failed.
  for (const { started, stopped, ended } of standing.splice(0)) {
    for (const pid of [started, stopped]) send(pid, "SIGKILL");
    await ended;
  }
  reset(subject.root);
});

const start = ({ argv: [program = "", ...args], cwd, env }: Command = subject.start): Promise<Run> =>
  runProgram(program, args, { cwd, environment: env });
const many = (count: number) => Promise.all(Array.from({ length: count }, () => start()));
/** A call of each stage that no shell, and no earlier stage, makes as often. */
const CALLS: Readonly<Record<string, RegExp>> = {
  begin: /^pwrite64$/,
  installing: /^mkdir$/,
  // Nothing is changed then.
  checking: /^openat$/,
  loading: /^fsync$/,
  writing: /^rename/,
};
const pointIn = (stage: string): Point => {
  const found = points.find((point) => point.stage === stage && CALLS[stage]?.test(point.call));
  if (found === undefined) throw new Error(`there is no such call in the stage '${stage}'`);
  return found;
};
const standing: Held[] = [];
const hold = async (point: Point, faults: readonly string[] = []): Promise<Held> => {
  const held = await holdAt(subject.start, point, join(work, "held"), faults);
  standing.push(held);
  return held;
};
const installs = (runs: readonly Run[]) =>
  runs.filter(({ stderr }) => /^gantry: installing/m.test(stderr)).length;
const leftovers = () => readdirSync(subject.root).filter((name) => name.startsWith(".gantry"));
const treeOrNothing = () => (existsSync(join(subject.root, "node_modules")) ? readTree(subject.root) : []);
/** Everybody got the app's answer; the tree is the one tree; nothing lies around; the next start has nothing to say. */
const expectOneTree = (runs: readonly Run[]) => {
  const wrong = runs.filter(({ code, stdout }) => code !== 0 || stdout !== subject.answer);
  expect(wrong).toEqual([]);
  expect(readTree(subject.root)).toEqual(subject.tree);
  expect(leftovers()).toEqual([]);
  expect(runPlainly(subject.start)).toMatchObject({ status: 0, stdout: subject.answer, stderr: "" });
};
/** Lock and claim as a start leaves them that is killed with its script. */
const leaveDeadLock = () => {
  const { pid } = spawnSync("true");
  const dead = readSelf("left-behind", pid);
  writeFileSync(join(subject.root, ".gantry-lock"), formatLockOwner({ ...dead, started: "1" }));
  writeFileSync(join(subject.root, ".gantry-claim"), `${pid}\n`);
};

describe.each([
  ["sample", 20],
  ["small", 200],
] as const)("first starts of the %s release, %i at once", (name, count) => {
  beforeAll(prepare(name));

  it("install once, and all become the app", async () => {
    const runs = await many(count);
    expect(installs(runs)).toBe(1);
    expectOneTree(runs);
  });

  it("do not wait for a lock and a start gate that a dead process left", async () => {
    leaveDeadLock();
    const runs = await many(count);
    expect(installs(runs)).toBe(1);
    expectOneTree(runs);
  });

  it("say on whom they wait, and get over the death of the first and its script", async () => {
    const first = await hold(pointIn("loading"));
    const waiting = `waiting for process ${first.stopped} on `;
    let waiters = 0;
    let killed = false;
    const { argv, cwd, env } = subject.start;
    const others = Array.from({ length: count - 1 }, () =>
      runProgram(argv[0] ?? "", argv.slice(1), {
        cwd,
        environment: env,
        heard: (text) => {
          waiters += text.includes(waiting) ? 1 : 0;
          if (killed || waiters < 3) return;
          killed = true;
          for (const pid of [first.stopped, first.started]) send(pid, "SIGKILL");
        },
      }),
    );
    const runs = await Promise.all(others);
    const dead = await first.ended;
    expect(dead).toMatchObject({ signal: "SIGKILL", stdout: "" });
    expect([installs([dead]), installs(runs)]).toEqual([1, 1]);
    expectOneTree(runs);
  });
});

describe("on a file system without locks and links", () => {
  beforeAll(prepare("small"));

  it("a first start asks the kernel for no lock on any file of the release", () => {
    const log = join(work, "locks");
    const options = ["-f", "-y", "-qq", "-e", "trace=flock,fcntl", "-o", log];
    const run = spawnSync("strace", [...options, ...subject.start.argv], {
      ...subject.start,
      encoding: "utf8",
    });
    expect(run).toMatchObject({ status: 0, stdout: subject.answer });
    const calls = readFileSync(log, "utf8").split("\n");
    expect(calls.some((line) => line.includes("F_SETFD"))).toBe(true);
    expect(
      calls.filter((line) => /flock\(|F_(?:OFD_)?SETLK/.test(line) && line.includes(subject.root)),
    ).toEqual([]);
  });

  it.each(["EPERM", "EOPNOTSUPP"])(
    "where links are %s, eight starts at once end in one tree",
    async (code) => {
      leaveDeadLock();
      const inject = ["-e", "inject=flock:error=ENOLCK", "-e", `inject=link,linkat:error=${code}`];
      const { argv, cwd, env } = subject.start;
      const traced = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=flock,link,linkat", ...inject];
      const runs = await Promise.all(
        Array.from({ length: 8 }, () => start({ argv: [...traced, ...argv], cwd, env })),
      );
      expectOneTree(runs);
    },
  );

  it("a live lock taken for a dead one cannot be restored, and blocks no start", async () => {
    leaveDeadLock();
    const held = await hold({ call: "rename", nth: 1, stage: "begin" }, ["link,linkat:error=EPERM"]);
    const aside = leftovers().find((name) => name.startsWith(".gantry-lock-")) ?? "";
    writeFileSync(join(subject.root, aside), formatLockOwner(readSelf("alive", process.pid)));
    held.goOn();
    expectOneTree([await held.ended]);
  });
});

describe("a first start that is told to stop", () => {
  beforeAll(prepare("small"));

  it.each(
    Object.keys(CALLS).flatMap((stage) =>
      (["SIGTERM", "SIGINT", "SIGHUP"] as const).map((name) => [stage, name] as const),
    ),
  )("at '%s' by %s cleans up within a second, dies of it, and the next one works", async (stage, name) => {
    const held = await hold(pointIn(stage));
    send(held.started, name);
    held.goOn();
    const began = performance.now();
    const run = await held.ended;
    expect(performance.now() - began).toBeLessThan(1000);
    expect(run).toMatchObject({ code: null, signal: name, stdout: "" });
    expect(leftovers()).toEqual([]);
    // Told during the rename itself it may find the tree in place already: then all of it.
    expect(stage === "writing" ? [[], subject.tree] : [[]]).toContainEqual(treeOrNothing());
    expectOneTree([await start()]);
  });

  it("while its script has only taken the start gate gives it back", async () => {
    const held = await hold(claimPoint());
    expect(held.stopped).toBe(held.started);
    expect(leftovers()).toEqual([".gantry-claim"]);
    send(held.started, "SIGTERM");
    held.goOn();
    expect(await held.ended).toMatchObject({ code: null, signal: "SIGTERM", stderr: "" });
    expect(leftovers()).toEqual([]);
    expectOneTree([await start()]);
  });
});

/** The script's own opening of its claim. */
function claimPoint(): Point {
  const log = join(work, "claim");
  const options = ["-qq", "-e", "trace=openat", "-o", log];
  spawnSync("strace", [...options, ...subject.start.argv], { ...subject.start });
  reset(subject.root);
  const opened = readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("openat("));
  const at = opened.findIndex((line) => line.includes('.gantry-claim"') && line.includes("O_EXCL"));
  if (at < 0) throw new Error("the script makes no claim");
  return { call: "openat", nth: at + 1, stage: "begin" };
}
