/** The sample's bundle, damaged or another release's: named and refused without a network, gone without where there is one. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { withBundleHead } from "../../src/release/bundle-head.ts";
import { runBrain } from "../support/app/brain-client.ts";
import { runCli } from "../support/app/cli.ts";
import { copyRelease, makeScratch, type Scratch } from "../support/app/release.ts";

let scratch: Scratch;
let release = "";
let bundle = "";
let whole: Buffer;
beforeAll(() => {
  scratch = makeScratch();
  release = copyRelease(scratch.directory);
  const { target } = JSON.parse(readFileSync(join(release, "lib/release.json"), "utf8")) as {
    target: string;
  };
  const added = runCli(scratch.directory, ["bundle", release, "--target", target]);
  if (added.status !== 0) throw new Error(added.stderr);
  bundle = join(release, "vendor", readdirSync(join(release, "vendor"))[0] ?? "");
  whole = readFileSync(bundle);
});
afterAll(() => scratch.dispose());
beforeEach(() => rmSync(join(release, "node_modules"), { recursive: true, force: true }));

const start = (env: Record<string, string> = {}) =>
  runBrain([join(release, "brain"), "--version"], { cwd: scratch.empty, env: { ...scratch.env, ...env } });
const OFFLINE = { GANTRY_OFFLINE: "1" };
const leftovers = () => readdirSync(release).filter((name) => name.startsWith(".gantry"));

/** By one bit, in the middle of the compressed data. */
const flipped = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(copy.length >> 1) ^ 0x10, copy.length >> 1);
  return copy;
};
const DAMAGE: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  "that was cut": (bytes) => bytes.subarray(0, bytes.length >> 1),
  "with a flipped bit": flipped,
  "of another release": (bytes) => {
    const head = {
      schema: 1,
      name: "test-brain",
      version: "9.9.9",
      target: "linux-x64-gnu",
      tree: "0".repeat(64),
    } as const;
    return Buffer.from(withBundleHead(head, "zst", bytes.subarray(8 + bytes.readUInt32LE(4))));
  },
};

describe("a bundle", () => {
  it.each(Object.entries(DAMAGE))(
    "%s is refused by name without a network, and nothing is made",
    async (_, damage) => {
      writeFileSync(bundle, damage(whole));
      const run = await start(OFFLINE);
      expect(run).toMatchObject({ code: 65, stdout: "" });
      expect(run.stderr).toMatch(/^gantry: DIGEST_MISMATCH: /m);
      expect(run.stderr).toContain(bundle);
      expect(run.stderr).toMatch(/^ {2}fix {3}\S/m);
      expect(existsSync(join(release, "node_modules"))).toBe(false);
      expect(leftovers()).toEqual([]);
    },
  );

  it("with a flipped bit is reported, replaced by a download, and used once repaired", async () => {
    writeFileSync(bundle, flipped(whole));
    const run = await start();
    expect(run).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    expect(run.stderr).toMatch(/DIGEST_MISMATCH.*\n.*trying from the registry instead/);
    rmSync(join(release, "node_modules"), { recursive: true });
    writeFileSync(bundle, whole);
    const repaired = await start(OFFLINE);
    expect(repaired).toMatchObject({ code: 0, stdout: "test-brain 0.1.0\n" });
    expect(repaired.stderr).toContain("from vendor/");
    expect(leftovers()).toEqual([]);
  });
});
