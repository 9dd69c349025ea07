/**
 * A file of a prepared tree that is not as it was: `verify` names it, `verify --repair` mends that one file from the
 * bundle, and a start finds it where it keeps the app from working. As an ordinary user, who may not read everything.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ERRORS } from "../../src/base/errors.ts";
import { readTreeFiles } from "../../src/release/tree.ts";
import { runPlainly } from "../support/faults/inject.mjs";
import { copySubject, sharedSubject } from "../support/faults/shared.ts";
import { readTree, type Subject } from "../support/faults/sweep.mjs";

const AS_USER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
let work = "";
let subject: Subject;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-damage-"));
  chmodSync(work, 0o755);
  subject = copySubject(sharedSubject("small"), join(work, "release"));
  spawnSync("chown", ["-R", "65534:65534", subject.root]);
  const prepared = gantry("prepare");
  if (prepared.status !== 0) throw new Error(prepared.stderr);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const asUser = (...argv: readonly string[]) =>
  runPlainly({ argv: [...AS_USER, ...argv], cwd: "/", env: subject.start.env });
const start = () => asUser(...subject.start.argv);
const gantry = (...args: readonly string[]) => asUser(join(subject.root, "gantry"), ...args);
const modules = () => join(subject.root, "node_modules");
const inodes = () =>
  new Map(
    readTreeFiles(modules())
      .filter(({ path }) => !path.startsWith(".gantry/"))
      .map(({ path }) => [path, statSync(join(modules(), path)).ino]),
  );
/** What the app loads: its module's own script, or its native file. */
const pick = (kind: "script" | "native"): string => {
  const wanted = kind === "native" ? /\.node$/ : /\/crc32\/index\.js$/;
  const found = subject.tree.map((line) => line.split(" ")[0] ?? "").find((path) => wanted.test(path));
  if (found === undefined) throw new Error(`no ${kind} in ${subject.tree.join("\n")}`);
  return found;
};

/** Each is given the file's path and done as root; the owner stays the user. */
const DAMAGE: Readonly<Record<string, (file: string) => void>> = {
  deleted: (file) => rmSync(file),
  truncated: (file) => truncateSync(file, statSync(file).size >> 1),
  zeroed: (file) => writeFileSync(file, Buffer.alloc(statSync(file).size)),
  swapped: (file) => writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from("\n// 9.9.9\n")])),
  unreadable: (file) => chmodSync(file, 0o000),
};
/** A start has nothing to find in what the app can work with. */
const HARMLESS = "script swapped";

describe.each(["script", "native"] as const)("a %s", (kind) => {
  it.each(Object.keys(DAMAGE))("that is %s is named by verify and mended by --repair, it alone", (damage) => {
    const path = pick(kind);
    const before = inodes();
    DAMAGE[damage]?.(join(modules(), path));
    const found = gantry("verify");
    expect(found.status).toBe(ERRORS.DIGEST_MISMATCH.exit);
    expect(found.stderr).toMatch(/^gantry: (?:DIGEST_MISMATCH|MODULE_UNAVAILABLE): /m);
    expect(found.stderr).toContain(`file  node_modules/${path}`);
    const repaired = gantry("verify", "--repair");
    expect(repaired.stderr).toMatch(`mended 1 file: node_modules/${path}\n`);
    expect(repaired.status).toBe(0);
    const replaced = [...inodes()].filter(([name, inode]) => before.get(name) !== inode);
    expect(replaced.map(([name]) => name)).toEqual([path]);
    expect(readTree(subject.root)).toEqual(subject.tree);
    expect(start()).toEqual({ status: 0, signal: null, stdout: subject.answer, stderr: "" });
  });

  it.each(Object.keys(DAMAGE).filter((damage) => `${kind} ${damage}` !== HARMLESS))(
    "that is %s is found by a start, and put right by that one or the next",
    (damage) => {
      const path = pick(kind);
      DAMAGE[damage]?.(join(modules(), path));
      const first = start();
      // The script that starts it sees a native file that is gone or newer; the rest is told by the app that fails.
      const told = first.status === 0 ? "gantry: the modules are ready" : `/node_modules/${path}\n`;
      expect(first.stderr).toContain(told);
      expect(first.stderr).toMatch(first.status === 0 ? /^gantry: / : /^gantry: DIGEST_MISMATCH: /m);
      expect(start()).toMatchObject({ status: 0, stdout: subject.answer });
      expect(readTree(subject.root)).toEqual(subject.tree);
      expect(start()).toEqual({ status: 0, signal: null, stdout: subject.answer, stderr: "" });
    },
  );
});
