/** A release under its real scripts for the attacks on them: where others can change it, root plays everybody. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { renderStubs } from "../../../src/build/release/stub.ts";
import type { Manifest } from "../../../src/release/manifest.ts";
import { hostId, notePath } from "../../../src/release/start/stamp.ts";
import { targetOfHost } from "../../../src/release/targets.ts";

const file = { size: 1, sha256: "0".repeat(64) };
const ID = "0123456789abcdef";
export const MANIFEST: Manifest = {
  schema: 1,
  name: "app",
  version: "1.2.3",
  binary: "app",
  target: targetOfHost(process.platform, process.arch, existsSync("/etc/alpine-release") ? "musl" : "gnu")
    .name,
  gantry: "0.1.0",
  runtime: { kind: "bun", version: "1.4.5" },
  executable: file,
  launcher: file,
  install: "first-run",
  externals: [{ name: "needed", version: "1.0.0", reason: "", imports: [], optional: false }],
  modules: {},
  native: [{ path: "needed/n.node", neededBy: ["needed"] }],
};
export const ME = 2002;
export const OTHER = 2001;

/** Directories of one test; `place.root` is the release that is started. */
export const place = { top: "", root: "" };
/** Makes `place` anew for each test of a file. */
export function usePlace(): void {
  beforeEach(() => {
    place.top = realpathSync(mkdtempSync("/var/cache/gantry-trust-"));
    chmodSync(place.top, 0o755);
    place.root = join(place.top, "release");
    makeRelease(place.root);
  });
  afterEach(() => rmSync(place.top, { recursive: true, force: true }));
}

/** /bin/echo stands where the compiled app would: a cold start shows by the launcher that it was asked to run. */
export function makeRelease(at: string): void {
  mkdirSync(join(at, "lib"), { recursive: true });
  const stubs = renderStubs({
    manifest: MANIFEST,
    base: "app-v1",
    releaseId: ID,
    launcher: ["launcher.mjs"],
    proven: [],
  });
  for (const [name, text] of Object.entries(stubs)) writeFileSync(join(at, name), text, { mode: 0o755 });
  copyFileSync(realpathSync("/bin/echo"), join(at, "lib/app"));
  writeFileSync(join(at, "lib/launcher.mjs"), "");
  utimesSync(join(at, "lib/app"), 0, 0);
}
const read = (path: string): string | undefined =>
  existsSync(path) ? readFileSync(path, "utf8") : undefined;
const HOST = hostId({ machineId: read("/etc/machine-id"), osRelease: read("/etc/os-release") });
export const STAMP = `${ID}-${HOST}`;
/** Where the note lies that says that the path to a release was checked, and to its tree in a store. */
export const noteFor = (root: string, store?: string): string => notePath(ID, HOST, root, store);
/** A tree with its stamp, and a note of the user whom it belongs to. */
export function makeTree(modules: string, uid: number, checked: string | undefined): void {
  mkdirSync(join(modules, "needed"), { recursive: true });
  mkdirSync(join(modules, ".gantry"));
  writeFileSync(join(modules, "needed/n.node"), "");
  utimesSync(join(modules, "needed/n.node"), 0, 0);
  writeFileSync(join(modules, ".gantry", STAMP), "");
  const note = checked === undefined ? undefined : join(modules, ".gantry", checked);
  if (note !== undefined) {
    mkdirSync(dirname(note), { recursive: true });
    writeFileSync(note, "");
  }
  spawnSync("chown", ["-R", `${uid}:${uid}`, modules]);
}
export const run = (
  shell: readonly string[],
  uid: number,
  env: Readonly<Record<string, string>> = {},
  script = "app",
) => {
  const command = [
    "setpriv",
    `--reuid=${uid}`,
    `--regid=${uid}`,
    "--clear-groups",
    ...shell,
    join(place.root, script),
    "x",
  ];
  const { status, stdout, stderr } = spawnSync(command[0] ?? "", command.slice(1), {
    encoding: "utf8",
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", HOME: "/nowhere", ...env },
  });
  return { status, stdout, stderr };
};
export const beside = () => join(place.root, "node_modules");
export const WARM = { status: 0, stdout: "x\n", stderr: "" };
export const COLD = { status: 0, stdout: "x\n", stderr: expect.stringContaining("start /") };
