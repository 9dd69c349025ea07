/** A flipped bit in the release's own files is found by a cold start before anything of them is run or believed. */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { readFileEntry } from "../../../src/release/tree.ts";
import { bareEnvironment, runProgram } from "../../support/launcher/fixture.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

const fixture = useFixture();
let root = "";
beforeEach(() => {
  root = fixture.make({ tree: "present" });
  // As in a Node release: the app's own JavaScript, and what Node loads before it.
  mkdirSync(join(root, "lib/app"));
  writeFileSync(join(root, "lib/app/index.js"), "export const answer = 42;\n".repeat(40));
  writeFileSync(join(root, "lib/preload.cjs"), "// preload\n".repeat(40));
  writeFileSync(join(root, "README.md"), "text\n".repeat(40));
  const sums = ["README.md", "lib/app/index.js", "lib/preload.cjs"].map(
    (name) => `${readFileEntry(join(root, name))[1]}  ${name}\n`,
  );
  writeFileSync(join(root, "SHA256SUMS"), readFileSync(join(root, "SHA256SUMS"), "utf8") + sums.join(""));
});

const launch = (environment: Readonly<Record<string, string>> = {}, command = "start") =>
  runProgram(join(root, "lib/tiny"), ["--no-install", join(root, "lib/launcher.mjs"), command], {
    cwd: fixture.directory,
    environment: { ...bareEnvironment(), BUN_BE_BUN: "1", GANTRY_OFFLINE: "1", ...environment },
  });
const flip = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
  return copy;
};
const untouched = () => expect(readdirSync(join(root, "node_modules"))).not.toContain(".gantry");

it("starts when all is right", async () => {
  expect(await launch()).toMatchObject({ code: 0, stderr: "" });
});

describe.each(["lib/app/index.js", "lib/preload.cjs", "lib/release.json"])("a bit of %s", (name) => {
  it("is found wherever it lies, and no module is touched", async () => {
    const path = join(root, name);
    const bytes = readFileSync(path);
    for (let turn = 1; turn <= 6; turn += 1) {
      writeFileSync(path, flip(bytes, Math.floor((bytes.length * turn) / 7)));
      const run = await launch();
      expect(run.code).toBe(65);
      // What is no JSON any more, or names no target, is said in the manifest's own words.
      expect(run.stderr).toMatch(/^gantry: (?:DIGEST_MISMATCH|MANIFEST_INVALID): /);
      expect(run.stderr).toContain(`  file  ${path}\n`);
      untouched();
    }
  });
});

it("a changed bit is found in every line of SHA256SUMS, or warned of", async () => {
  const path = join(root, "SHA256SUMS");
  const bytes = readFileSync(path);
  const text = bytes.toString();
  for (const name of ["lib/launcher.mjs", "lib/release.json", "lib/tiny", "lib/app/index.js", "README.md"]) {
    const line = text.indexOf(`  ${name}\n`) - 64;
    for (const at of [0, 31, 63]) {
      const damaged = Buffer.from(bytes);
      damaged[line + at] = damaged[line + at] === 0x30 ? 0x31 : 0x30;
      writeFileSync(path, damaged);
      const run = await launch();
      expect(run.stderr).toMatch(/^gantry: /);
      expect(run.stderr).toContain(name);
      expect(run.code).toBe(name === "README.md" ? 0 : 65);
      rmSync(join(root, "node_modules/.gantry"), { recursive: true, force: true });
    }
    writeFileSync(path, flip(bytes, line + 64));
    expect(await launch()).toMatchObject({ code: 65 });
  }
});

it("the program itself is hashed where the script could not do it", async () => {
  const path = join(root, "lib/tiny");
  rmSync(path);
  copyFileSync(fixture.executable, path);
  const bytes = readFileSync(path);
  writeFileSync(path, flip(bytes, bytes.length - 100_000));
  const run = await launch({ GANTRY_UNPROVEN: "yes" });
  expect(run).toMatchObject({ code: 65 });
  expect(run.stderr).toContain("DIGEST_MISMATCH: lib/tiny was stripped or replaced");
  untouched();
});

it("verify and a cold start find a changed native file of the same size and time", async () => {
  const native = join(root, "node_modules/bcrypt/prebuilds/linux-x64/bcrypt.glibc.node");
  const { atime, mtime } = statSync(native);
  const bytes = readFileSync(native);
  writeFileSync(native, flip(bytes, bytes.length >> 1));
  utimesSync(native, atime, mtime);
  for (const command of ["verify", "start"]) {
    const run = await launch({}, command);
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain("bcrypt.glibc.node");
  }
});
