/** The script of a release compares its program and launcher with what was built before any of it runs. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { proveFile } from "../../../src/build/release/program-checksums.ts";
import { SHELLS } from "../../support/build/shells.ts";
import { renderStubs } from "../../../src/build/release/stub.ts";
import type { Manifest } from "../../../src/release/manifest.ts";
import { targetOfHost } from "../../../src/release/targets.ts";

const file = { size: 1, sha256: "0".repeat(64) };
const host = targetOfHost(process.platform, process.arch, existsSync("/etc/alpine-release") ? "musl" : "gnu");
const manifest: Manifest = {
  schema: 1,
  name: "app",
  version: "1.2.3",
  binary: "app",
  target: host.name,
  gantry: "0.1.0",
  runtime: { kind: "bun", version: "1.4.5" },
  executable: file,
  launcher: file,
  install: "first-run",
  externals: [],
  modules: {},
  native: [],
};
const PROVEN = ["lib/app", "lib/launcher.mjs"];

let top = "";
let root = "";
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), "gantry intact ")));
  root = join(top, "some where");
  mkdirSync(join(root, "lib"), { recursive: true });
  // Prints its arguments, as the launcher would never do.
  copyFileSync(realpathSync("/bin/echo"), join(root, "lib/app"));
  writeFileSync(join(root, "lib/launcher.mjs"), "launcher\n");
  const stubs = renderStubs({
    manifest,
    base: "app-v1.2.3",
    releaseId: "0123456789abcdef",
    launcher: ["launcher.mjs"],
    proven: PROVEN.map((path) => proveFile(root, path)),
  });
  for (const [name, text] of Object.entries(stubs)) writeFileSync(join(root, name), text, { mode: 0o755 });
});
afterEach(() => rmSync(top, { recursive: true }));

const run = ([command = "sh", ...first]: readonly string[], script: string, ...args: string[]) => {
  const options = { encoding: "utf8", cwd: top, env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } } as const;
  const { status, stdout, stderr } = spawnSync(command, [...first, join(root, script), ...args], options);
  return { status, stdout, stderr };
};
/** Turns one bit over; every place has its turn in the loops below. */
const flip = (path: string, at: number): void => {
  const bytes = readFileSync(join(root, path));
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (at & 7));
  writeFileSync(join(root, path), bytes);
};

it("the checksum is cksum's own", () => {
  for (const text of [
    "",
    "a",
    "of eight",
    "of nine..",
    "gantry\n".repeat(70_001),
    "gantry\n".repeat(160_001),
  ]) {
    writeFileSync(join(root, "sample"), text);
    const { crc, size } = proveFile(root, "sample");
    const said = spawnSync("cksum", [join(root, "sample")], { encoding: "utf8" }).stdout;
    expect(said).toBe(`${crc} ${size} ${join(root, "sample")}\n`);
  }
});

describe.each(SHELLS)("under %s %s", (...shell) => {
  it("runs the launcher when all is as it was built", () => {
    expect(run(shell, "gantry", "verify")).toMatchObject({ status: 0, stderr: "" });
    expect(run(shell, "gantry", "verify").stdout).toBe("verify\n");
  });

  it.each(PROVEN)("refuses a flipped bit in %s, at the start and in every command", (path) => {
    const intact = readFileSync(join(root, path));
    for (const share of [0.35, 0.5, 0.75, 0.999]) {
      flip(path, Math.floor(intact.length * share));
      for (const script of ["gantry", "app"]) {
        const { status, stdout, stderr } = run(shell, script);
        expect({ status, stdout }).toEqual({ status: 65, stdout: "" });
        expect(stderr).toMatch(
          new RegExp(
            `^gantry: DIGEST_MISMATCH: ${path} is not the file that was released: .*\n  file  ${root}/${path}\n`,
          ),
        );
      }
      writeFileSync(join(root, path), intact);
    }
  });

  it("names both sizes of a file that was cut short", () => {
    const bytes = readFileSync(join(root, "lib/app"));
    truncateSync(join(root, "lib/app"), bytes.length >> 1);
    const { status, stderr } = run(shell, "gantry", "verify");
    expect(status).toBe(65);
    expect(stderr).toContain(
      `DIGEST_MISMATCH: lib/app has ${bytes.length >> 1} bytes and was released with ${bytes.length}: `,
    );
  });

  it("names a missing launcher as missing", () => {
    rmSync(join(root, "lib/launcher.mjs"));
    expect(run(shell, "gantry", "verify")).toMatchObject({ status: 66 });
  });

  it("gives one command that repairs it from the archive beside it, and that works", () => {
    const name = `app-v1.2.3-linux-x64${host.libc === "musl" ? "-musl" : ""}`;
    const archive = join(top, `${name}.tar.gz`);
    spawnSync("tar", ["-czf", archive, `--transform=s,^\\.,${name},`, "-C", root, "."]);
    flip("lib/app", 30_000);
    const { stderr } = run(shell, "gantry", "verify");
    const fix = /\n {2}fix {3}(.*)\n/.exec(stderr)?.[1] ?? "";
    expect(fix).toBe(`tar -xzf '${archive}' --strip-components=1 -C '${root}'`);
    expect(spawnSync("sh", ["-c", fix], { cwd: "/" }).status).toBe(0);
    expect(run(shell, "gantry", "verify")).toMatchObject({ status: 0, stderr: "" });
  });
});
