import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  chownSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { renderStubs } from "../../../../src/build/release/stub.ts";
import type { Manifest } from "../../../../src/release/manifest.ts";
import { hostId, notePath } from "../../../../src/release/start/stamp.ts";
import { outsideTemporary } from "../../../support/build/outside-temporary.ts";
import { storeTreeName } from "../../../../src/release/store.ts";
import { SHELLS } from "../../../support/build/shells.ts";
import { TARGETS, targetOfHost } from "../../../../src/release/targets.ts";

const file = { size: 1, sha256: "0".repeat(64) };
const external = { version: "1.0.0", reason: "", imports: [] };
const host = targetOfHost(process.platform, process.arch, existsSync("/etc/alpine-release") ? "musl" : "gnu");
const manifestFor = (target: string): Manifest => ({
  schema: 1,
  name: "app",
  version: "1.2.3",
  binary: "app",
  target,
  gantry: "0.1.0",
  runtime: { kind: "bun", version: "1.4.5" },
  executable: file,
  launcher: file,
  install: "first-run",
  externals: [
    { ...external, name: "needed", optional: false },
    { ...external, name: "extra", optional: true },
  ],
  modules: {},
  native: [
    { path: "needed/it's $(touch owned).node", neededBy: ["needed"] },
    { path: "extra/e.node", neededBy: ["extra"] },
  ],
});

let root = "";
const write = (target: string): void => {
  const stubs = renderStubs({
    manifest: manifestFor(target),
    base: "app-v1.2.3",
    releaseId: "0123456789abcdef",
    launcher: ["launcher.mjs", "launcher-PART.mjs"],
    proven: [],
  });
  for (const [name, text] of Object.entries(stubs)) writeFileSync(join(root, name), text, { mode: 0o755 });
};
const run = (shell: readonly string[], script: string, ...args: string[]) =>
  runWith({}, shell, script, ...args);
const runWith = (
  env: Readonly<Record<string, string>>,
  shell: readonly string[],
  script: string,
  ...args: string[]
) => {
  const [command = "sh", ...first] = shell;
  const { status, stdout, stderr } = spawnSync(command, [...first, join(root, script), ...args], {
    encoding: "utf8",
    cwd: root,
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", ...env },
  });
  return { status, stdout, stderr };
};

const read = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, "utf8") : undefined;
/** /bin/echo stands where the compiled app would: it prints the arguments that reach it. */
const makeReady = (): { stamp: string; native: string; extra: string } => {
  write(host.name);
  copyFileSync(realpathSync("/bin/echo"), join(root, "lib/app"));
  const native = join(root, "node_modules/needed/it's $(touch owned).node");
  const extra = join(root, "node_modules/extra/e.node");
  for (const path of [native, extra]) {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "");
  }
  for (const path of [native, extra, join(root, "lib/app")]) utimesSync(path, 0, 0);
  const name = hostId({ machineId: read("/etc/machine-id"), osRelease: read("/etc/os-release") });
  const stamp = join(root, "node_modules/.gantry", `0123456789abcdef-${name}`);
  mkdirSync(join(stamp, ".."));
  writeFileSync(stamp, "");
  writeNote(join(stamp, ".."));
  return { stamp, native, extra };
};
/** As the launcher leaves it: the note's path names what was checked, and its owner who did. */
const writeNote = (stamps: string, store?: string): void => {
  const name = hostId({ machineId: read("/etc/machine-id"), osRelease: read("/etc/os-release") });
  const note = join(stamps, notePath("0123456789abcdef", name, root, store));
  mkdirSync(join(note, ".."), { recursive: true });
  writeFileSync(note, "");
};

/** No store may lie below /tmp, so this one does not. */
let home = "";
const TREE = storeTreeName({});
const moveToStore = (store: string): string => {
  const { stamp } = makeReady();
  const parent = join(store, "gantry", TREE);
  const used = join(parent, ".gantry-used", root);
  mkdirSync(used, { recursive: true });
  writeFileSync(join(used, basename(stamp)), "");
  // The times are what a start compares; the two may lie on different file systems.
  const modules = join(root, "node_modules");
  cpSync(modules, join(parent, "node_modules"), { recursive: true, preserveTimestamps: true });
  rmSync(modules, { recursive: true });
  writeNote(join(parent, "node_modules/.gantry"), parent);
  return parent;
};

beforeAll(() => {
  home = realpathSync(mkdtempSync(join(outsideTemporary(), ".gantry-stub-")));
  root = realpathSync(mkdtempSync(join(tmpdir(), "gantry stub ")));
});
afterAll(() => {
  for (const directory of [root, home]) rmSync(directory, { recursive: true });
});
beforeEach(() => {
  for (const name of readdirSync(home)) rmSync(join(home, name), { recursive: true });
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
  mkdirSync(join(root, "lib"));
  for (const name of ["launcher.mjs", "launcher-PART.mjs"]) writeFileSync(join(root, "lib", name), "");
});

describe.each(SHELLS.map((shell) => [shell.join(" "), shell] as const))("under %s", (_, shell) => {
  it("a stamped release execs the binary with the arguments as they are", () => {
    makeReady();
    expect(run(shell, "app", "a b", "", "$c", "-n")).toEqual({
      status: 0,
      stdout: "a b  $c -n\n",
      stderr: "",
    });
    expect(readdirSync(root)).not.toContain("owned");
  });

  it("hands the caller's variables on, whatever it calls its own", () => {
    makeReady();
    rmSync(join(root, "lib/app"));
    copyFileSync(realpathSync("/usr/bin/env"), join(root, "lib/app"));
    utimesSync(join(root, "lib/app"), 0, 0);
    const names = "host id version key value line root self modules stamp program place status first".split(
      " ",
    );
    const env = Object.fromEntries(names.map((name) => [name, `the caller's ${name}`]));
    const { stdout } = runWith(env, shell, "app");
    for (const [name, value] of Object.entries(env)) expect(stdout.split("\n")).toContain(`${name}=${value}`);
  });

  it("waits for the start that has the gate, and becomes the app when that is done", async () => {
    const { stamp } = makeReady();
    rmSync(stamp);
    writeFileSync(join(root, ".gantry-claim"), `${process.pid}\n`);
    const [command = "sh", ...first] = shell;
    const child = spawn(command, [...first, join(root, "app"), "after", "all"], { cwd: root });
    let said = "";
    child.stdout.on("data", (text) => (said += text));
    writeFileSync(stamp, "");
    await once(child, "close");
    expect(said).toBe("after all\n");
  });

  /** Without a binary that is a Bun, the cold path ends in an error: that is how it is told from the warm one. */
  it.each([
    "no stamp",
    "a newer native file",
    "a missing native file",
    "a missing optional file",
    "a newer binary",
  ])("%s means the cold path", (what) => {
    const { stamp, native, extra } = makeReady();
    const later = new Date(Date.now() + 3_600_000);
    if (what === "no stamp") rmSync(stamp);
    if (what === "a newer native file") utimesSync(native, later, later);
    if (what === "a missing native file") rmSync(native);
    if (what === "a missing optional file") rmSync(extra);
    if (what === "a newer binary") utimesSync(join(root, "lib/app"), later, later);
    const { stdout, stderr } = run(shell, "app", "argument");
    expect(stdout).toBe("argument\n");
    expect(stderr).toContain(`start ${root}`);
  });

  it("an optional module that the stamp records as absent is not missed", () => {
    const { stamp, extra } = makeReady();
    rmSync(extra);
    writeFileSync(`${stamp}.without-1`, "");
    expect(run(shell, "app", "x")).toEqual({ status: 0, stdout: "x\n", stderr: "" });
  });

  it.each([
    ["GANTRY_STORE", "s", "s"],
    ["GANTRY_STORE", "s/", "s"],
    ["STATE_DIRECTORY", "s:/other", "s"],
    ["CACHE_DIRECTORY", "s:/other", "s"],
    ["XDG_CACHE_HOME", "s", "s"],
    ["HOME", "", ".cache"],
  ])("modules in the store of %s=%s are found without a process", (variable, value, store) => {
    moveToStore(join(home, store));
    const env = { [variable]: value === "" ? home : `${home}/${value}` };
    expect(runWith(env, shell, "app", "x")).toEqual({ status: 0, stdout: "x\n", stderr: "" });
    expect(run(shell, "app", "x").stderr).toContain(`start ${root}`);
  });

  it("the modules beside the release come before a store", () => {
    moveToStore(join(home, "s"));
    makeReady();
    const env = { GANTRY_STORE: join(home, "s"), PATH: process.env["PATH"] ?? "" };
    copyFileSync(realpathSync("/usr/bin/env"), join(root, "lib/app"));
    utimesSync(join(root, "lib/app"), 0, 0);
    expect(runWith(env, shell, "app").stdout).toContain(`GANTRY_MODULES=${root}/node_modules\n`);
    rmSync(join(root, "node_modules"), { recursive: true });
    expect(runWith(env, shell, "app").stdout).toContain(
      `GANTRY_MODULES=${home}/s/gantry/${TREE}/node_modules\n`,
    );
  });

  it.each([
    ["a temporary directory", (store: string) => ({ XDG_CACHE_HOME: store, TMPDIR: home })],
    [
      "a path with ..",
      (store: string) => ({
        XDG_CACHE_HOME: join(store, "..") + "/../" + store.split("/").slice(-2).join("/"),
      }),
    ],
    [
      "a store that does not know this release",
      (store: string) => {
        rmSync(join(store, "gantry", TREE, ".gantry-used"), { recursive: true });
        return { XDG_CACHE_HOME: store };
      },
    ],
    ["a relative path", (store: string) => ({ XDG_CACHE_HOME: store.slice(1) })],
    [
      "a link in the place of the tree",
      (store: string) => {
        renameSync(join(store, "gantry", TREE), join(home, "elsewhere"));
        symlinkSync(join(home, "elsewhere"), join(store, "gantry", TREE));
        return { XDG_CACHE_HOME: store };
      },
    ],
  ])("modules in %s are not trusted", (_what, environment) => {
    moveToStore(join(home, "s"));
    expect(runWith(environment(join(home, "s")), shell, "app", "x").stderr).toContain(`start ${root}`);
  });

  it.skipIf(process.getuid?.() !== 0)(
    "root takes no modules that another user made, whoever names them",
    () => {
      chownSync(moveToStore(join(home, "s")), 1234, 1234);
      for (const env of [{ GANTRY_STORE: join(home, "s") }, { XDG_CACHE_HOME: join(home, "s") }]) {
        expect(runWith(env, shell, "app", "x").stderr).toContain(`start ${root}`);
      }
    },
  );

  it("a link to it is followed", () => {
    makeReady();
    symlinkSync("app", join(root, "link"));
    symlinkSync(join(root, "link"), join(root, "link two"));
    expect(run(shell, "link two", "x")).toEqual({ status: 0, stdout: "x\n", stderr: "" });
  });

  it.each(TARGETS.filter(({ arch }) => arch !== host.arch).map(({ name }) => name))(
    "the %s release is refused before anything of it is executed",
    (target) => {
      write(target);
      copyFileSync(realpathSync("/bin/echo"), join(root, "lib/app"));
      for (const script of ["app", "gantry", "setup.sh"]) {
        const result = run(shell, script, "x");
        expect(result).toMatchObject({ status: 69, stdout: "" });
        expect(result.stderr).toContain(`HOST_UNSUPPORTED: this is the ${target} release`);
        expect(result.stderr).toMatch(/fix {3}take the release app-v1\.2\.3-linux-(?:x64|arm64)(?:-musl)?\n/);
      }
    },
  );

  it.each([
    ["lib/app", 66, "RELEASE_FILE_MISSING"],
    ["lib/launcher.mjs", 66, "RELEASE_FILE_MISSING"],
    ["lib/launcher-PART.mjs", 66, "RELEASE_FILE_MISSING"],
  ])("without %s it ends with %i", (missing, status, code) => {
    write(host.name);
    copyFileSync(realpathSync("/bin/echo"), join(root, "lib/app"));
    rmSync(join(root, missing));
    const result = run(shell, "app");
    expect(result).toMatchObject({ status, stdout: "" });
    expect(result.stderr).toContain(code);
    expect(result.stderr).toContain(join(root, missing));
  });

  it("a binary without its x bit is named", () => {
    write(host.name);
    writeFileSync(join(root, "lib/app"), "", { mode: 0o644 });
    expect(run(shell, "app")).toMatchObject({ status: 71, stdout: "" });
  });
});
