/**
 * First starts on hosts that lack something: space, inodes, quota, a writable or executable place, descriptors, memory,
 * the right time. Each ends in a running app or in one finding with its code, and works once the host has it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode } from "../../src/base/errors.ts";
import { choosePoints, findPoints, runPlainly, type Outcome, type Point } from "../support/faults/inject.mjs";
import { copySubject, sharedSubject } from "../support/faults/shared.ts";
import { breakOnce, readTree, reset, type Subject } from "../support/faults/sweep.mjs";

let work = "";
let subject: Subject;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-scarcity-"));
  subject = sharedSubject("small");
});
afterAll(() => rmSync(work, { recursive: true, force: true }));
afterEach(() => reset(subject.root));

/** Runs a script as root in mounts of its own; `$1` is the release, "$2" and so on what is given. */
const host = (script: string, ...args: readonly string[]): Outcome => {
  const { cwd, env } = subject.start;
  const command = [
    "unshare",
    "--mount",
    "--propagation=private",
    "/bin/sh",
    "-c",
    script,
    "sh",
    subject.root,
  ];
  return runPlainly({
    argv: [...command, ...args],
    cwd,
    env: { ...env, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
};
const expectFinding = ({ stderr, status }: Outcome, code: ErrorCode, message: RegExp) => {
  expect(stderr).toMatch(new RegExp(`^gantry: ${code}: `, "m"));
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^ {2}fix {3}\S/m);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(status).toBe(ERRORS[code].exit);
};
const expectNext = () => {
  const next = runPlainly(subject.start);
  expect(next).toMatchObject({ status: 0, stdout: subject.answer });
  expect(readTree(subject.root)).toEqual(subject.tree);
  expect(runPlainly(subject.start)).toMatchObject({ status: 0, stdout: subject.answer, stderr: "" });
};

/** A first start where something is short by so much, then a second one with plenty. `$2` and `$3` are mount options. */
const SHORT = `mount -t tmpfs -o "mode=755,$2" tmpfs /mnt && cp -a "$1/." /mnt && /mnt/checksum gantry >/mnt/../dev/null; code=$?
  left=$(ls -A /mnt | grep '^[.]gantry\\|^node_modules'); echo "left:" $left >&2
  mount -o "remount,$3" /mnt; /mnt/checksum gantry 2>&1 >/dev/null | sed 's/^/second: /' >&2
  /mnt/checksum gantry; echo "third: $?" >&2; exit $code`;

const kilobytes = () =>
  Number(/^\d+/.exec(runPlainly({ ...subject.start, argv: ["du", "-sk", subject.root] }).stdout));
const inodes = () =>
  runPlainly({ ...subject.start, argv: ["find", subject.root] })
    .stdout.trim()
    .split("\n").length;
/** A quota is met where blocks or inodes are taken; the first calls of each kind are the shell's and its tools' too. */
const takesSpace = ({ call, stage }: Point): boolean =>
  stage !== "begin" && /^(?:p?write(?:64)?|mkdir|rename|fsync|ftruncate)$/.test(call);

describe("a first start with too little space", () => {
  it.each([
    ["kilobytes", 4],
    ["kilobytes", 64],
    ["kilobytes", 200],
    ["inodes", 2],
    ["inodes", 6],
    ["inodes", 12],
  ] as const)("by %s, %i of them left, says so, leaves nothing, and works with more", (kind, spare) => {
    const options =
      kind === "kilobytes"
        ? [`size=${kilobytes() + spare}k`, "size=400m"]
        : [`nr_inodes=${inodes() + spare}`, "nr_inodes=9999"];
    const run = host(SHORT, ...options);
    expectFinding(run, "DISK_FULL", /left:\n/);
    expect(run.stderr).toMatch(/^second: gantry: the modules are ready/m);
    expect(run.stderr).toMatch(/third: 0\n$/);
    expect(run.stdout).toBe(subject.answer);
  });

  it("by the user's quota says so, wherever it meets it, and works with more", () => {
    const found = findPoints(subject.start, subject.root, work);
    const points = choosePoints(found.filter(takesSpace), 4, 3);
    expect(points.length).toBeGreaterThan(5);
    expect(points.flatMap((point) => breakOnce(subject, point, "error=EDQUOT") ?? [])).toEqual([]);
  });
});

describe("a first start where", () => {
  it("nothing can be written says so", () => {
    const run = host('mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; exec "$1/checksum" gantry');
    expectFinding(run, "STORE_UNWRITABLE", /read-only \(EROFS\)/);
    expectNext();
  });

  it("nothing can be executed says so", () => {
    const run = host(
      'mount --bind "$1" "$1"; mount -o remount,noexec,bind "$1"; exec sh "$1/checksum" gantry',
    );
    expectFinding(run, "EXEC_FAILED", /mounted noexec/);
    expectNext();
  });

  it("twenty files may be open says so, and how many it needs", () => {
    expectFinding(
      host('ulimit -n 20; exec "$1/checksum" gantry'),
      "IO_FAILED",
      /too many open files[^]*ulimit -n 1024/,
    );
    expectNext();
  });

  it("96 MB of memory are all there is works", ({ skip }) => {
    const group = makeGroup("96M");
    if (group === undefined) {
      console.warn("skipped: 96 MB of memory, because no memory controller can be written here");
      return skip();
    }
    try {
      const run = host('echo $$ >"$2/cgroup.procs"; exec "$1/checksum" gantry', group);
      expect(run).toMatchObject({ status: 0, stdout: subject.answer });
    } finally {
      rmdirSync(group);
    }
    expectNext();
  });
});

/** A group of processes with so much memory and no swap, under either hierarchy. */
function makeGroup(limit: string): string | undefined {
  const places = [
    ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
    ["/sys/fs/cgroup", "memory.max"],
  ] as const;
  for (const [root, file] of places) {
    if (!existsSync(join(root, "cgroup.procs"))) continue;
    const group = join(root, `gantry-test-${process.pid}`);
    try {
      mkdirSync(group);
      writeFileSync(join(group, file), limit);
      return group;
    } catch {
      if (existsSync(group)) rmdirSync(group);
    }
  }
  return undefined;
}

/** The host's clock was three years ahead when all this was written: its files are newer than anything written now. */
describe("with a clock that was set back three years", () => {
  const later = new Date(Date.now() + 3 * 365 * 86_400_000).toISOString();
  const age = (root: string) => spawnSync("find", [root, "-exec", "touch", "-h", "-d", later, "{}", "+"]);
  let aged: Subject;
  beforeAll(() => {
    aged = copySubject(subject, join(work, "aged"));
  });
  const native = () => aged.tree.find((line) => line.includes(".node "))?.split(" ")[0] ?? "";

  it("a release is prepared once, and is ready then", () => {
    age(aged.root);
    expect(runPlainly(aged.start)).toMatchObject({ status: 0, stdout: aged.answer });
    expect(runPlainly(aged.start)).toMatchObject({ status: 0, stdout: aged.answer, stderr: "" });
  });

  it("a prepared release stays ready", () => {
    age(aged.root);
    expect(runPlainly(aged.start)).toMatchObject({ status: 0, stdout: aged.answer, stderr: "" });
  });

  it("a damaged native file is named by the failing app and repaired at the next start", () => {
    const file = join(aged.root, "node_modules", native());
    writeFileSync(file, Buffer.alloc(readFileSync(file).length));
    const broken = runPlainly(aged.start);
    expect(broken.status).not.toBe(0);
    expect(broken.stderr).toMatch(/^gantry: DIGEST_MISMATCH: .*\n {2}file {2}.*\.node$/m);
    expect(runPlainly(aged.start)).toMatchObject({ status: 0, stdout: aged.answer });
    expect(readTree(aged.root)).toEqual(aged.tree);
    expect(runPlainly(aged.start)).toMatchObject({ status: 0, stdout: aged.answer, stderr: "" });
  });
});
