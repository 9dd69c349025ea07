/**
 * A musl release on a host whose only C library is musl and whose shell is busybox's: from the bundle without a network,
 * again from the stamp, and what it says where the C++ library is missing or where the C library is glibc.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { enter, muslCppRoot, muslRoot, slimRoot } from "../support/roots/roots.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
let out = "";
let release = "";

beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), "gantry-musl-"));
  const args = [
    "build",
    "test/fixtures/test-brain",
    "--target",
    "linux-x64-musl",
    "--no-archive",
    "--no-smoke",
    "--vendor",
    "--out",
    out,
  ];
  execFileSync(process.execPath, [join(repository, "dist/cli.js"), ...args], {
    cwd: repository,
    stdio: "pipe",
  });
  release = join(out, readdirSync(out).find((name) => existsSync(join(out, name, "brain"))) ?? "none");
});
afterAll(() => rmSync(out, { recursive: true, force: true }));

/** Runs sh lines in a root, in a network namespace that has not even a loopback that is up. */
function sh(root: string, script: string, env: Readonly<Record<string, string>> = {}) {
  const command = ["/bin/sh", "-c", `cd /tmp\n${script}`];
  const offline = root === slimRoot() ? command : ["/bin/unshare", "-n", ...command];
  return enter(root, offline, { mounts: { "/opt/release": release }, env });
}

it("the scripts are clean by shellcheck's judgement", () => {
  const scripts = ["brain", "gantry", "setup.sh"].map((name) => join(release, name));
  expect(spawnSync("shellcheck", scripts, { encoding: "utf8" })).toMatchObject({ status: 0, stdout: "" });
});

describe("where the C++ library is missing", () => {
  it.each(["brain", "gantry", "setup.sh"])(
    "./%s names it and the apk line, in place of the loader's words",
    (name) => {
      const result = sh(muslRoot(), `/opt/release/${name} --version`);
      expect(result).toMatchObject({ code: 69, stdout: "" });
      expect(result.stderr.trim().split("\n")).toEqual([
        "gantry: LIBRARY_MISSING: the binary needs libstdc++.so.6, which is not on this host",
        "  file  /opt/release/lib/brain",
        "  fix   on Alpine: apk add libstdc++ libgcc",
      ]);
    },
  );

  const ELSEWHERE = "mkdir /opt/cpp && cp /usr/lib/*.so* /opt/cpp && rm /usr/lib/libstdc++.so.6";

  it("one that the loader is told of by a path file is not called missing", () => {
    const script = `${ELSEWHERE}; echo /lib:/opt/cpp >/etc/ld-musl-x86_64.path; /opt/release/brain --version`;
    expect(sh(muslCppRoot(), script)).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    rmSync(join(release, "node_modules"), { recursive: true });
  });

  it("root takes none from where its caller says", () => {
    const result = sh(muslCppRoot(), `${ELSEWHERE}; LD_LIBRARY_PATH=/opt/cpp /opt/release/brain --version`);
    expect(result).toMatchObject({ code: 69, stdout: "" });
    expect(result.stderr).toContain("LIBRARY_MISSING: the binary needs libstdc++.so.6");
  });
});

describe("on a musl host that is not Alpine", () => {
  it("starts from its bundle without a network, then at once, and works", () => {
    const lines = [
      "/opt/release/brain --version",
      "/opt/release/brain --version 2>warm",
      "wc -c <warm",
      "/opt/release/brain add note 1,0,0,0",
      "/opt/release/brain add other 0,1,0,0",
      "/opt/release/brain search 1,0,0,0 1",
    ];
    const result = sh(muslCppRoot(), lines.join(" &&\n"));
    expect(result).toMatchObject({ code: 0 });
    expect(result.stderr).toContain("from vendor/linux-x64-musl.tar.zst");
    expect(result.stdout).toMatch(/^test-brain 0\.1\.0\ntest-brain 0\.1\.0\n0\n/);
    expect(result.stdout.trimEnd().split("\n").at(-1)).toContain("note");
    expect(result.stdout.trimEnd().split("\n").at(-1)).not.toContain("other");
  });

  it("is judged right by its own doctor and verify, its modules loaded", () => {
    const result = sh(muslCppRoot(), "/opt/release/gantry verify && /opt/release/gantry doctor");
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/C library musl 1\.2\.\d+/);
    expect(result.stdout).toMatch(/loads +bcrypt 6\.0\.0/);
    expect(result.stdout).toMatch(/ok +@libsql\/linux-x64-musl\/index\.node/);
    expect(result.stdout).toMatch(/findings +none/);
  });
});

it("on glibc it is refused before it is run, with the release to take", () => {
  for (const name of ["brain", "gantry", "setup.sh"]) {
    const result = sh(slimRoot(), `/opt/release/${name} --version`);
    expect(result).toMatchObject({ code: 69, stdout: "" });
    expect(result.stderr).toMatch(
      /LIBC_MISMATCH: .*ld-musl-x86_64(?:.|\n)*take the release test-brain-v0\.1\.0-linux-x64\n/,
    );
  }
});
