/** Ready, present, absent: what a start does with the tree that it finds. */
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runBrain } from "../support/app/brain-client.ts";
import { makeScratch, prepareRelease, type Scratch } from "../support/app/release.ts";

let scratch: Scratch;
let release = "";

beforeAll(async () => {
  scratch = makeScratch();
  release = await prepareRelease(scratch);
});
afterAll(() => scratch.dispose());

const version = (env: Record<string, string> = {}) =>
  runBrain([join(release, "brain"), "--version"], { cwd: scratch.empty, env: { ...scratch.env, ...env } });
const stamps = (): string[] => readdirSync(join(release, "node_modules/.gantry"));
const native = (): string => {
  const text = readFileSync(join(release, "lib/release.json"), "utf8");
  const { native: files } = JSON.parse(text) as { native: { path: string }[] };
  return join(release, "node_modules", files[0]?.path ?? "");
};
const OFFLINE = { GANTRY_OFFLINE: "1" };

describe("a start", () => {
  it("says nothing when the release is ready", async () => {
    expect(await version()).toEqual({ code: 0, signal: null, stdout: "test-brain 0.1.0\n", stderr: "" });
  });

  it("verifies a tree without a stamp in place, offline, and stamps it", async () => {
    rmSync(join(release, "node_modules/.gantry"), { recursive: true });
    expect(await version(OFFLINE)).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    expect(stamps().length).toBeGreaterThan(0);
  });

  it("verifies again when a native file is newer than the stamp", async () => {
    const stamp = join(release, "node_modules/.gantry", stamps()[0] ?? "");
    utimesSync(stamp, 1_000_000_000, 1_000_000_000);
    const result = await version({ ...OFFLINE, GANTRY_LOG_LEVEL: "debug" });
    expect(result).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    expect(result.stderr).toContain("changed since");
    expect(await version()).toMatchObject({ code: 0, stderr: "" });
  });

  it("refuses a damaged native file offline, and names it", async () => {
    const file = native();
    const whole = readFileSync(file);
    truncateSync(file, whole.length - 1);
    const result = await version(OFFLINE);
    expect(result.code).not.toBe(0);
    expect(result.stdout).toBe("");
    expect(result.stderr).toContain("DIGEST_MISMATCH");
    expect(result.stderr).toContain(file.slice(release.length + 1));
    writeFileSync(file, whole);
    expect(await version(OFFLINE)).toMatchObject({ code: 0 });
  });

  it("mends a deleted native file over the network", async () => {
    rmSync(native());
    expect(await version()).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    expect(readFileSync(native()).length).toBeGreaterThan(0);
    expect(await version()).toMatchObject({ code: 0, stderr: "" });
  });

  it("leaves nothing in the caller's home, whatever it has to prepare", async () => {
    const home = join(scratch.directory, "home");
    mkdirSync(home);
    rmSync(join(release, "node_modules/.gantry"), { recursive: true });
    // `doctor` and `prepare` run the launcher alone: what the app itself keeps there is the app's affair.
    for (const command of ["doctor", "prepare"]) {
      const result = await runBrain([join(release, "gantry"), command], {
        cwd: scratch.empty,
        env: { ...scratch.env, ...OFFLINE, HOME: home },
      });
      expect(result.code).toBe(0);
    }
    expect(readdirSync(home)).toEqual([]);
  });

  it("names a script that was cut short when the app fails on it, and mends it the next time", async () => {
    const script = join(release, "node_modules/libsql/index.js");
    const whole = readFileSync(script);
    writeFileSync(script, whole.subarray(0, whole.length / 2));
    const broken = await version(OFFLINE);
    expect(broken.code).not.toBe(0);
    expect(broken.stderr).toMatch(
      /^gantry: DIGEST_MISMATCH: a file of the modules .*\n {2}file {2}.*libsql\/index\.js\n {2}fix/m,
    );
    const refused = await version(OFFLINE);
    expect(refused.stderr).toMatch(/^gantry: .*DIGEST_MISMATCH: libsql/m);
    expect(await version()).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    expect(readFileSync(script).equals(whole)).toBe(true);
  });

  it("works in a copy of the directory without the network", async () => {
    const copy = join(scratch.directory, "copy");
    cpSync(release, copy, { recursive: true });
    const result = await runBrain([join(copy, "brain"), "--version"], {
      cwd: scratch.empty,
      env: { ...scratch.env, ...OFFLINE },
    });
    expect(result).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
  });

  it("does not start, and says why, without modules and without network", async () => {
    rmSync(join(release, "node_modules"), { recursive: true });
    const result = await version(OFFLINE);
    expect(result.stdout).toBe("");
    expect([66, 75]).toContain(result.code);
    expect(result.stderr).toMatch(/^ {2}fix {3}\S/m);
    expect(readdirSync(release)).not.toContain("node_modules");
  });

  it("prepares once when twenty start at the same moment", async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => version()));
    expect(results.map(({ code, stdout }) => `${code} ${stdout}`)).toEqual(
      Array.from({ length: 20 }, () => "0 test-brain 0.1.0\n"),
    );
    expect(readdirSync(release).filter((name) => name.startsWith(".gantry"))).toEqual([]);
  });
});
