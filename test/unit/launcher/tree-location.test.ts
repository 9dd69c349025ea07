/** Places that cannot take a tree, each made with a real mount. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bareEnvironment, expectRefusal, runProgram, type Run } from "../../support/launcher/fixture.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

const fixture = useFixture();
let root = "";

const mounts = process.getuid?.() === 0 && canMount();
if (!mounts) console.warn("skipped: full disks and noexec mounts, which need root and mount(8)");

function canMount(): boolean {
  return spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;
}

/** Runs a script in a mount namespace of its own, so that its mounts vanish with it. */
const inMounts = (script: string, ...args: readonly string[]): Promise<Run> =>
  runProgram("/usr/bin/unshare", ["-m", "/bin/sh", "-ec", script, "sh", ...args], {
    cwd: fixture.directory,
    environment: { ...bareEnvironment(), BUN_BE_BUN: "1", GANTRY_REGISTRY: fixture.registry.url },
  });

describe.skipIf(!mounts)("a place", () => {
  it("that is mounted noexec is refused before anything is fetched", async () => {
    root = fixture.make();
    const place = join(fixture.directory, "noexec");
    mkdirSync(place);
    const script = `mount -t tmpfs -o mode=755,noexec,size=200m tmpfs "$1"; cp -r "$2/." "$1/";
      mount --bind "$3" "$1/lib/tiny";
      exec "$1/lib/tiny" --no-install "$1/lib/launcher.mjs" start`;
    expectRefusal(await inMounts(script, place, root, fixture.executable), "STORE_NOEXEC", /mounted noexec/);
    expect(fixture.registry.requests).toEqual([]);
  });

  it("whose tree lies on a noexec mount says so", async () => {
    root = fixture.make({ tree: "present" });
    const copy = join(fixture.directory, "tree");
    cpSync(join(root, "node_modules"), copy, { recursive: true });
    const script = `mount -t tmpfs -o mode=755,noexec tmpfs "$1/node_modules"; cp -r "$2/." "$1/node_modules/";
      exec "$1/lib/tiny" --no-install "$1/lib/launcher.mjs" start`;
    const run = await inMounts(script, root, copy);
    expectRefusal(run, "STORE_NOEXEC", /cannot be loaded from .*node_modules, which is mounted noexec/);
  });

  it.each([
    ["download", 1200],
    ["second package", 2800],
    ["copying into the tree", 4400],
  ])("that is full at the %s is DISK_FULL, and is as empty as before", async (_, spare) => {
    root = fixture.make();
    const place = join(fixture.directory, `small-${spare}`);
    mkdirSync(place);
    const room = Math.ceil(statSync(fixture.executable).size / 1024) + spare;
    const script = `mount -t tmpfs -o mode=755,size=${room}k tmpfs "$1"; cp -r "$2/." "$1/"; set +e
      "$1/lib/tiny" --no-install "$1/lib/launcher.mjs" start; code=$?; ls -A "$1" >&2; exit $code`;
    const run = await inMounts(script, place, root);
    expectRefusal(run, "DISK_FULL", /no space left/);
    expect(run.stderr).not.toMatch(/^(?:node_modules|\.gantry.*)$/m);
  });

  it("that is read-only is STORE_UNWRITABLE without a tree, and starts with one", async () => {
    root = fixture.make();
    const script = `mount --bind "$1" "$1"; mount -o remount,ro,bind "$1";
      exec "$1/lib/tiny" --no-install "$1/lib/launcher.mjs" start`;
    expectRefusal(await inMounts(script, root), "STORE_UNWRITABLE", /read-only \(EROFS\)/);
    rmSync(root, { recursive: true });
    root = fixture.make({ tree: "present" });
    expect(await inMounts(script, root)).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  });

  it("whose node_modules is a mount of its own cannot be renamed into, and says so", async () => {
    root = fixture.make();
    mkdirSync(join(root, "node_modules"));
    const script = `mount -t tmpfs -o mode=755 tmpfs "$1/node_modules";
      exec "$1/lib/tiny" --no-install "$1/lib/launcher.mjs" start`;
    expectRefusal(await inMounts(script, root), "STORE_UNWRITABLE", /something is mounted on it/);
    expect(readdirSync(root).filter((name) => name.startsWith(".gantry"))).toEqual([]);
  });
});
