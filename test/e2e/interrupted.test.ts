/** Builds that end half way: told to, killed long ago, without room, or with nowhere to put what they make. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BUN, CLI, runCli } from "../support/app/cli.ts";

const RELEASE = "plain-v1.0.0-linux-";

let work = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-interrupted-"));
  for (const name of ["app", "out", "temporary"]) mkdirSync(join(work, name));
  const json = { name: "plain", version: "1.0.0", gantry: { entry: "app.ts" } };
  writeFileSync(join(work, "app/package.json"), JSON.stringify(json));
  writeFileSync(join(work, "app/app.ts"), 'console.log("plain");\n');
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const build = (out: string) => ["build", join(work, "app"), "--bun", BUN, "--no-smoke", "--out", out];

it.each([
  // The terminal's keys reach the whole group, kill(1) and a supervisor the process alone.
  ["SIGINT", -1],
  ["SIGHUP", -1],
  ["SIGTERM", 1],
] as const)("%s leaves nothing of a build", async (signal, whom) => {
  const env = { ...process.env, TMPDIR: join(work, "temporary") };
  const args = [CLI, ...build(join(work, "out"))];
  const child = spawn(process.execPath, args, { env, detached: true, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  let sent = false;
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (sent || !said.includes("compiling") || child.pid === undefined) return;
    sent = true;
    expect(readdirSync(join(work, "out"))).toEqual([expect.stringMatching(/^\.gantry-build-/)]);
    process.kill(whom * child.pid, signal);
  });
  const [status, by] = (await once(child, "exit")) as [number | null, string | null];
  expect({ status, by, said }).toMatchObject({ status: null, by: signal });
  expect(readdirSync(join(work, "out"))).toEqual([]);
  expect(readdirSync(join(work, "temporary"))).toEqual([]);
  expect(readdirSync(join(work, "app")).toSorted()).toEqual(["app.ts", "package.json"]);
});

it("removes what a killed build left a day ago, and lets those be that may still run", () => {
  const out = join(work, "shared");
  for (const name of [".gantry-build-killed", ".gantry-build-running"])
    mkdirSync(join(out, name, "linux-x64-gnu"), { recursive: true });
  const yesterday = Date.now() / 1000 - 25 * 60 * 60;
  utimesSync(join(out, ".gantry-build-killed"), yesterday, yesterday);
  expect(runCli(work, [...build(out), "--no-archive"])).toMatchObject({ status: 0 });
  const left = readdirSync(out).filter((name) => !name.startsWith(RELEASE));
  expect(left).toEqual([".gantry-build-running"]);
});

it("says where results may go instead, when there is no way to make any there", () => {
  const file = join(work, "app/package.json");
  for (const out of ["/proc/gantry", "/sys/gantry", file, join(file, "out")]) {
    const { stdout, stderr } = runCli(work, build(out));
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: expect.stringContaining(`\n  file  ${out}\n`) });
    expect(stderr).toMatch(/\n {2}fix {3}.*(?:--out|name another place)\n$/);
  }
});

/** A mount needs root, and a namespace of its own to vanish with. */
const mounts =
  process.getuid?.() === 0 && spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "t", "/mnt"]).status === 0;
if (!mounts) console.warn("skipped: a build on a full disk, which needs root and mount(8)");

it.skipIf(!mounts)("says that the disk is full, and leaves it as empty as it was", () => {
  const out = join(work, "small");
  mkdirSync(out);
  const script = `mount -t tmpfs -o size=60m tmpfs "$1"; shift; "$@"; status=$?; ls -A "$5"; exit $status`;
  const command = ["-m", "sh", "-c", script, "sh", out, process.execPath, CLI, ...build(out)];
  const { status, stdout, stderr } = spawnSync("unshare", command, { encoding: "utf8", cwd: work });
  expect({ status, stdout }).toEqual({ status: 73, stdout: "" });
  expect(stderr).toMatch(
    /^gantry: DISK_FULL: no space left .*\n {2}file {2}.*\n.*\n {2}fix {3}free some space/m,
  );
});
