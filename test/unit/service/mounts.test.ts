import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseMountPoints, readMounts, removeTree } from "../../../src/service/data/mounts.ts";
import { parseProcess, readProcessesOf } from "../../../src/service/data/processes.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-mounts-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("mounts", () => {
  it("are read as the kernel writes them", () => {
    const text =
      "36 35 98:0 /mnt1 /mnt/parent\\040one rw,noatime master:1 - ext3 /dev/root rw\n" +
      "37 36 0:5 / /a\\134b\\011c rw - tmpfs none rw\n";
    expect(parseMountPoints(text)).toEqual(["/mnt/parent one", "/a\\b\tc"]);
  });

  it("are found at a path and below it, through a link too", () => {
    symlinkSync("/proc", join(root, "link"));
    expect(readMounts(join(root, "link")).at).toBe(true);
    expect(readMounts("/").below).toContain("/proc");
    expect(readMounts(root)).toEqual({ at: false, below: [] });
    expect(readMounts(join(root, "missing"))).toEqual({ at: false, below: [] });
  });
});

it("a tree goes without what its links lead to", async () => {
  mkdirSync(join(root, "other"));
  writeFileSync(join(root, "other/file"), "");
  mkdirSync(join(root, "tree/sub"), { recursive: true });
  symlinkSync(join(root, "other"), join(root, "tree/sub/link"));
  symlinkSync(join(root, "other"), join(root, "link"));
  for (const name of ["tree", "link", "missing"]) expect(await removeTree(join(root, name))).toEqual([]);
  expect(readdirSync(root)).toEqual(["other"]);
  expect(readdirSync(join(root, "other"))).toEqual(["file"]);
});

const status = (state: string) => `Name:\tsh\u001b[2J\nState:\t${state}\nUid:\t0\t0\t1234\t0\n`;

describe("the processes of a user", () => {
  it("are those with its id in any place, as long as they live", () => {
    expect(parseProcess(7, status("T (stopped)"))).toEqual({
      pid: 7,
      name: "sh\u{fffd}[2J",
      uids: [0, 0, 1234, 0],
    });
    expect(parseProcess(7, status("Z (zombie)"))).toBeUndefined();
    expect(parseProcess(7, "")).toBeUndefined();
  });

  it("are found in /proc", () => {
    const uid = process.getuid?.() ?? 0;
    expect(readProcessesOf(uid).map(({ pid }) => pid)).toContain(process.pid);
  });
});
