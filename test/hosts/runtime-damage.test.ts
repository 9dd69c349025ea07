/**
 * The runtime is a file too: a bit of it that flipped, or an end that is missing, is named before it runs, on hosts with
 * coreutils, with busybox, and with neither tool that makes a checksum. Nothing of it may run first.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copySubject, sharedSubject } from "../support/faults/shared.ts";
import { busyboxApplets, enter, ensureRoot, muslRoot, slimRoot } from "../support/roots/roots.ts";
import type { Subject } from "../support/faults/sweep.mjs";

let work = "";
let subject: Subject;
let program = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-runtime-"));
  subject = copySubject(sharedSubject("small"), join(work, "release"));
  mkdirSync(join(work, "tools"));
  copyFileSync("/usr/bin/busybox", join(work, "tools/busybox"));
  program = join(subject.root, "lib/checksum");
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** What is done to a slim Debian before, in an overlay that is thrown away. */
const HOSTS: Readonly<Record<string, string>> = {
  "coreutils' cksum": ":",
  "sha256sum alone": "rm /usr/bin/cksum",
  "busybox in place of dash and coreutils":
    "cp /opt/tools/busybox /usr/bin; rm /usr/bin/cksum; ln -sf busybox /usr/bin/sha256sum; ln -sf busybox /usr/bin/ls; ln -sf busybox /usr/bin/sh",
};
const sh = (script: string) => {
  const mounts = { "/opt/release": subject.root, "/opt/tools": join(work, "tools") };
  return enter(slimRoot(), ["/bin/sh", "-c", `cd /tmp; ${script}`], { mounts, network: "loopback" });
};

function flip(path: string, at: number): void {
  const descriptor = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ (1 << (at % 8));
  writeSync(descriptor, byte, 0, 1, at);
  closeSync(descriptor);
}
/** Twelve places over the whole file, the same each time. */
const PLACES = Array.from({ length: 12 }, (_, turn) => ((turn * 0.618_034 + 0.11) % 1) * 0.98 + 0.01);
const clean = () =>
  expect(readdirSync(subject.root).filter((name) => /node_modules|\.gantry/.test(name))).toEqual([]);

it("starts where nothing is damaged, in each of these hosts", () => {
  for (const prepare of Object.values(HOSTS)) {
    const run = sh(`${prepare}; /opt/release/checksum gantry`);
    expect(run).toMatchObject({ code: 0, stdout: subject.answer });
    rmSync(join(subject.root, "node_modules"), { recursive: true });
  }
});

describe.each(Object.entries(HOSTS))("with %s", (_, prepare) => {
  it("no flipped bit of the program runs, wherever it lies", () => {
    const { size } = statSync(program);
    // Debian's own tool is as quick as the start itself; each of the others takes a second.
    for (const share of prepare === ":" ? PLACES : PLACES.slice(0, 3)) {
      const at = Math.floor(share * size);
      flip(program, at);
      const run = sh(`${prepare}; /opt/release/checksum gantry; echo $? >&2; /opt/release/gantry verify`);
      flip(program, at);
      expect(run).toMatchObject({ code: 65, stdout: "" });
      const said =
        "gantry: DIGEST_MISMATCH: lib/checksum is not the file that was released: it is damaged or another one";
      expect(run.stderr.split("\n").filter((line) => line === said)).toHaveLength(2);
      clean();
    }
  });

  it("a program that is cut short is named with both sizes", () => {
    const { size } = statSync(program);
    copyFileSync(program, join(work, "whole"));
    truncateSync(program, Math.floor(size * 0.6));
    const run = sh(`${prepare}; /opt/release/checksum gantry; echo $? >&2; /opt/release/gantry verify`);
    copyFileSync(join(work, "whole"), program);
    expect(run).toMatchObject({ code: 65, stdout: "" });
    expect(run.stderr).toContain(
      `DIGEST_MISMATCH: lib/checksum has ${Math.floor(size * 0.6)} bytes and was released with ${size}`,
    );
    clean();
  });

  it("no flipped bit of the launcher runs", () => {
    for (const name of readdirSync(join(subject.root, "lib"))
      .filter((file) => file.endsWith(".mjs"))
      .slice(0, 3)) {
      const path = join(subject.root, "lib", name);
      const at = statSync(path).size >> 1;
      flip(path, at);
      const run = sh(`${prepare}; /opt/release/checksum gantry`);
      flip(path, at);
      expect(run).toMatchObject({ code: 65, stdout: "" });
      expect(run.stderr).toContain(`DIGEST_MISMATCH: lib/${name} is not the file`);
    }
  });
});

it("without checksum tools the launcher hashes its own program, or its end is told", () => {
  const { size } = statSync(program);
  const ends: string[] = [];
  for (const share of PLACES) {
    const at = Math.floor(share * size);
    flip(program, at);
    const run = sh("rm /usr/bin/cksum /usr/bin/sha256sum; /opt/release/checksum gantry");
    flip(program, at);
    expect(run.stdout).toBe("");
    expect(run.stderr).toMatch(
      /^gantry: (?:DIGEST_MISMATCH: lib\/checksum |IO_FAILED: the launcher ended with status )/m,
    );
    ends.push(String(run.code));
    clean();
  }
  expect(ends.filter((code) => code === "65").length).toBeGreaterThan(6);
});

/** Static busybox and no C library: no release for any C library starts here. */
function bareRoot(): string {
  return ensureRoot("bare", (directory) => {
    for (const path of ["bin", "etc", "proc", "dev", "tmp", "opt"]) mkdirSync(join(directory, path));
    copyFileSync("/usr/bin/busybox", join(directory, "bin/busybox"));
    for (const applet of busyboxApplets()) symlinkSync("busybox", join(directory, "bin", applet));
  });
}

it("a host without any C library is not sent to the release that it has", () => {
  const bare = enter(bareRoot(), ["/bin/busybox", "sh", "/opt/release/checksum"], {
    mounts: { "/opt/release": subject.root },
  });
  expect(bare).toMatchObject({ code: 69, stdout: "" });
  expect(bare.stderr).toMatch(
    /LIBC_MISMATCH: .*\n.*\n {2}fix {3}there is no C library here: run it on .* glibc/,
  );
  expect(bare.stderr).not.toContain("take the release");
  const musl = enter(muslRoot(), ["/opt/release/checksum"], { mounts: { "/opt/release": subject.root } });
  expect(musl.stderr).toMatch(
    /LIBC_MISMATCH: .*\n.*\n {2}fix {3}take the release checksum-v1\.0\.0-linux-x64-musl\n/,
  );
  expect(existsSync(join(subject.root, "node_modules"))).toBe(false);
});
