import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyRelease, makeScratch, type Scratch } from "../support/app/release.ts";
import { enter, muslRoot, slimRoot } from "../support/roots/roots.ts";

let scratch: Scratch;
let fresh = "";
let prepared = "";

beforeAll(() => {
  scratch = makeScratch();
  chmodSync(scratch.directory, 0o755);
  fresh = copyRelease(scratch.directory, "fresh");
  prepared = copyRelease(scratch.directory, "prepared");
  execFileSync(join(prepared, "gantry"), ["prepare"], {
    env: scratch.env,
    cwd: scratch.empty,
    stdio: "pipe",
  });
});
afterAll(() => scratch.dispose());

/** What a process tree executed, in order, by strace's own account. */
function programsOf(command: readonly string[], filter: string): string[] {
  const log = join(scratch.directory, "strace.log");
  const result = spawnSync(
    "/usr/bin/strace",
    ["-f", "-qq", "-s", "4096", "-e", `trace=${filter}`, "-o", log, ...command],
    {
      cwd: scratch.empty,
      env: { ...scratch.env },
      encoding: "utf8",
    },
  );
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  return readFileSync(log, "utf8").trim().split("\n");
}

describe("system calls of a start", () => {
  it("warm: sh, then the binary, and no fork before it", () => {
    const calls = programsOf([join(prepared, "brain"), "--version"], "execve,fork,vfork,clone,clone3");
    const last = calls.findIndex((line) => line.includes(`execve("${prepared}/lib/brain"`));
    expect(last).toBe(1);
    expect(calls[0]).toContain(`execve("${prepared}/brain"`);
    expect(calls.filter((line) => line.includes(`execve("${prepared}/lib/brain"`))).toHaveLength(1);
  });

  it("warm through a link: one readlink more", () => {
    execFileSync("ln", ["-sf", join(prepared, "brain"), join(scratch.directory, "linked")]);
    const calls = programsOf([join(scratch.directory, "linked"), "--version"], "execve");
    const programs = calls
      .map((line) => /execve\("([^"]+)"/.exec(line)?.[1] ?? "")
      .filter((path) => path !== "");
    expect(programs.map((path) => path.split("/").at(-1))).toEqual(["linked", "readlink", "brain"]);
  });

  it("cold with the modules in place: not one network call", () => {
    rmSync(join(prepared, "node_modules/.gantry"), { recursive: true });
    const calls = programsOf([join(prepared, "brain"), "--version"], "execve,socket,connect,sendto");
    // The launcher, the load probe and the app.
    expect(calls.filter((line) => line.includes(`execve("${prepared}/lib/brain"`))).toHaveLength(3);
    expect(calls.filter((line) => /AF_INET|sendto/.test(line))).toEqual([]);
    expect(existsSync(join(prepared, "node_modules/.gantry"))).toBe(true);
  });

  it("the scripts are clean by shellcheck's judgement", () => {
    const files = ["brain", "gantry", "setup.sh"].map((name) => join(fresh, name));
    const result = spawnSync("shellcheck", files, { encoding: "utf8" });
    expect(result.stdout).toBe("");
    expect(result.status).toBe(0);
  });
});

describe("a Debian host with nothing installed", () => {
  const certificates = process.env["NODE_EXTRA_CA_CERTS"];

  it("a user of its own unpacks, starts, and starts again", () => {
    const home = join(scratch.directory, "home");
    mkdirSync(home);
    cpSync(fresh, join(home, "release"), { recursive: true });
    execFileSync("chown", ["-R", "1234:1234", home]);
    if (certificates !== undefined) cpSync(certificates, join(home, "ca.pem"));
    const run = (...args: string[]) =>
      enter(slimRoot(), ["/bin/sh", "-c", 'cd /tmp && exec "$@"', "sh", "/home/me/release/brain", ...args], {
        mounts: { "/home/me": home },
        user: 1234,
        env: {
          HOME: "/home/me",
          ...(certificates === undefined ? {} : { NODE_EXTRA_CA_CERTS: "/home/me/ca.pem" }),
        },
      });
    expect(run("--version")).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    expect(run("--version")).toEqual({ code: 0, stdout: "test-brain 0.1.0\n", stderr: "" });
    expect(run("add", "note", "1,0,0,0")).toMatchObject({ code: 0 });
  });

  it("starts from a read-only mount, prepared elsewhere, every time", () => {
    rmSync(join(prepared, "node_modules/.gantry"), { recursive: true, force: true });
    for (let start = 0; start < 2; start += 1) {
      const result = enter(slimRoot(), ["/opt/release/brain", "--version"], {
        mounts: { "/opt/release": prepared },
        options: "ro",
      });
      expect(result).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    }
    expect(existsSync(join(prepared, "node_modules/.gantry"))).toBe(false);
  });

  it("refuses to prepare on a read-only mount without modules, and says so", () => {
    const result = enter(slimRoot(), ["/opt/release/brain"], {
      mounts: { "/opt/release": fresh },
      options: "ro",
    });
    expect(result.code).toBe(73);
    expect(result.stderr).toMatch(/STORE_UNWRITABLE/);
  });

  it("names a noexec mount instead of failing to execute", () => {
    const result = enter(slimRoot(), ["/bin/sh", "/opt/release/brain"], {
      mounts: { "/opt/release": prepared },
      options: "noexec",
    });
    expect([71, 73]).toContain(result.code);
    expect(result.stderr).toMatch(/noexec/);
  });
});

describe("a musl host", () => {
  it.each([["brain"], ["gantry"], ["setup.sh"]])(
    "is refused by ./%s of a glibc release, with the one to take",
    (name) => {
      const result = enter(muslRoot(), [`/opt/release/${name}`, "--version"], {
        mounts: { "/opt/release": fresh },
      });
      expect(result).toMatchObject({ code: 69, stdout: "" });
      expect(result.stderr).toContain("LIBC_MISMATCH");
      expect(result.stderr).toContain("take the release test-brain-v0.1.0-linux-x64-musl");
      expect(readdirSync(fresh)).not.toContain("node_modules");
    },
  );
});
