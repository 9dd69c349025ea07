/** A release that takes its modules from a bundle: where bundles are looked for, and what is refused. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { keygen } from "../../../src/build/sign/keys.ts";
import { signFile } from "../../../src/build/sign/sign.ts";
import { withBundleHead } from "../../../src/release/bundle-head.ts";
import { bareEnvironment, expectRefusal } from "../../support/launcher/fixture.ts";
import { readTree } from "../../support/launcher/fixture-bundle.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

const VENDORED = "vendor/linux-x64-gnu.tar.zst";
const OFFLINE = { GANTRY_OFFLINE: "1" };
const fixture = useFixture();
let root = "";
let scratch = "";
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "gantry-stick-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(() => {
  for (const name of readdirSync(scratch)) rmSync(join(scratch, name), { recursive: true });
});

const gantry = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  fixture.launch(root, args, { GANTRY_REGISTRY: fixture.registry.url, ...environment });
const leftovers = (at = root) => readdirSync(at).filter((name) => name.startsWith(".gantry-"));

const bundleFile = () => basename(fixture.bundle);
const named = (change: (bytes: Buffer) => Buffer) => {
  const path = join(scratch, "given.tar.zst");
  writeFileSync(path, change(readFileSync(fixture.bundle)));
  return path;
};
/** The compressed data without the identity in front. */
const data = (bytes: Buffer) => bytes.subarray(8 + bytes.readUInt32LE(4));
const keys = (name: string) => ({
  publicKeyFile: join(scratch, `${name}.pub`),
  secretKeyFile: join(scratch, `${name}.key`),
  password: undefined,
});
const sign = (file: string, name: string) =>
  signFile({ file, secretKeyFile: join(scratch, `${name}.key`), password: undefined });

describe("one tree", () => {
  it("is the same from the registry, a vendored and a named bundle, under any umask", async () => {
    root = fixture.make();
    expect(await gantry(["start"])).toMatchObject({ code: 0 });
    const expected = readTree(root);
    rmSync(root, { recursive: true });
    root = fixture.make({ bundle: "vendored" });
    fixture.registry.requests.length = 0;
    const script = `umask 077; exec "${join(root, "lib/tiny")}" --config=/dev/null --env-file=/dev/null --no-install "${join(root, "lib/launcher.mjs")}" start`;
    const env = { ...bareEnvironment(), BUN_BE_BUN: "1" };
    expect(spawnSync("sh", ["-c", script], { env, encoding: "utf8" })).toMatchObject({ status: 0 });
    expect(readTree(root)).toEqual(expected);
    expect(statSync(join(root, "node_modules")).mode & 0o777).toBe(0o755);
    rmSync(root, { recursive: true });
    root = fixture.make();
    expect(await gantry(["prepare", "--from", fixture.bundle], OFFLINE)).toMatchObject({ code: 0 });
    expect(readTree(root)).toEqual(expected);
    expect(fixture.registry.requests).toEqual([]);
  });
});

describe("a bundle is found", () => {
  it.each([
    ["in vendor/", () => (root = fixture.make({ bundle: "vendored" })), () => ({})],
    ["in the release", () => cpSync(fixture.bundle, join((root = fixture.make()), bundleFile())), () => ({})],
    [
      "beside the release",
      () => {
        root = fixture.make();
        mkdirSync(join(scratch, "apps"));
        cpSync(root, join(scratch, "apps/tiny"), { recursive: true });
        rmSync(root, { recursive: true });
        root = join(scratch, "apps/tiny");
        cpSync(fixture.bundle, join(scratch, "apps", bundleFile()));
      },
      () => ({}),
    ],
    [
      "on a stick",
      () => {
        root = fixture.make();
        cpSync(fixture.bundle, join(scratch, bundleFile()));
      },
      () => ({ GANTRY_BUNDLE: scratch }),
    ],
    [
      "in a copied vendor directory",
      () => {
        root = fixture.make();
        mkdirSync(join(scratch, "vendor"));
        cpSync(fixture.bundle, join(scratch, VENDORED));
      },
      () => ({ GANTRY_BUNDLE: scratch }),
    ],
    ["as a file", () => (root = fixture.make()), () => ({ GANTRY_BUNDLE: fixture.bundle })],
    [
      "as a file: address",
      () => (root = fixture.make()),
      () => ({ GANTRY_BUNDLE: `file://${fixture.bundle}` }),
    ],
  ])("%s", async (_, arrange, environment) => {
    arrange();
    const run = await gantry(["start"], { ...OFFLINE, ...environment() });
    expect(run).toMatchObject({ code: 0, stdout: "" });
    expect(run.stderr).toMatch(/installing 4 modules from .*tar\.zst/);
    expect(leftovers()).toEqual([]);
    expect(fixture.registry.requests).toEqual([]);
  });

  it("and doctor says beforehand that it will be", async () => {
    root = fixture.make({ bundle: "vendored" });
    const { code, stdout } = await gantry(["doctor"], OFFLINE);
    expect(code).toBe(0);
    expect(stdout).toMatch(/install 4 modules .* from vendor\/linux-x64-gnu\.tar\.zst/);
    expect(existsSync(join(root, "node_modules"))).toBe(false);
  });
});

describe("a wrong bundle is refused", () => {
  const identity = {
    schema: 1,
    name: "tiny",
    version: "1.2.3",
    target: "linux-x64-gnu",
    tree: "0".repeat(64),
  } as const;

  it.each([
    [
      "another version's, by name",
      (bytes: Buffer) => withBundleHead({ ...identity, version: "2.0.0" }, "zst", data(bytes)),
      /bundle of tiny 2\.0\.0 for linux-x64-gnu, this release is tiny 1\.2\.3/,
    ],
    [
      "another target's, by name",
      (bytes: Buffer) => withBundleHead({ ...identity, target: "linux-arm64-gnu" }, "zst", data(bytes)),
      /bundle of tiny 1\.2\.3 for linux-arm64-gnu/,
    ],
    ["no bundle at all", () => Buffer.from("<html>not found</html>"), /this is no bundle/],
    ["an empty file", () => Buffer.alloc(0), /this is no bundle/],
    ["a cut one", (bytes: Buffer) => bytes.subarray(0, bytes.length - 1), /not whole: it has \d+ bytes/],
    [
      "one with a flipped bit",
      (bytes: Buffer) => {
        const copy = Buffer.from(bytes);
        copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
        return copy;
      },
      /damaged: its SHA-256 is/,
    ],
    [
      "one with something behind it",
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("x")]),
      /not whole: it has \d+ bytes/,
    ],
  ])("%s", async (_, change, message) => {
    root = fixture.make();
    const before = readdirSync(root);
    const path = named((bytes) => Buffer.from(change(bytes)));
    const run = await gantry(["prepare", "--from", path]);
    expectRefusal(run, "DIGEST_MISMATCH", message);
    expect(run.stderr).toContain(path);
    expect(readdirSync(root)).toEqual(before);
    expect(fixture.registry.requests).toEqual([]);
  });

  it("at 1,000 random places of damage, without touching anything", async () => {
    root = fixture.make({ bundle: "vendored" });
    const whole = readFileSync(fixture.bundle);
    const { checkBundleFile } = await import("../../../src/modules/sources/bundle-check.ts");
    const { readRelease } = await import("../../../src/modules/release/unpacked.ts");
    const release = readRelease(root);
    const { bundle } = release.manifest;
    if (bundle === undefined) throw new Error("the fixture has a bundle");
    const path = join(scratch, "flipped");
    let seed = 11;
    for (let turn = 0; turn < 1000; turn += 1) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      const at = seed % whole.length;
      const byte = whole[at] ?? 0;
      whole[at] = byte ^ (1 << (turn % 8));
      writeFileSync(path, whole);
      expect(() => checkBundleFile(release, bundle, path), `byte ${at}`).toThrow(/DIGEST_MISMATCH/);
      whole[at] = byte;
    }
  });

  it("that came with the release, and the registry is used where it may be", async () => {
    root = fixture.make({ bundle: "vendored" });
    truncateSync(join(root, VENDORED), 1000);
    expectRefusal(await gantry(["start"], OFFLINE), "DIGEST_MISMATCH", /not whole: it has 1000 bytes/);
    const run = await gantry(["start"]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).toMatch(/DIGEST_MISMATCH.*\n.*trying from the registry instead/);
    expect(fixture.registry.requests.length).toBeGreaterThan(0);
    expect(leftovers()).toEqual([]);
  });

  it("when it is named and not there", async () => {
    root = fixture.make();
    expectRefusal(
      await gantry(["prepare", "--from", join(scratch, "no.tar.zst")]),
      "BUNDLE_MISSING",
      /which is not there/,
    );
    expectRefusal(
      await gantry(["prepare", "--from", scratch]),
      "BUNDLE_MISSING",
      /holds no bundle of this release\n(?:.*\n)*.*tiny-v1\.2\.3-linux-x64\.bundle\.tar\.zst/,
    );
    const stick = { ...OFFLINE, GANTRY_BUNDLE: join(scratch, "stick") };
    expectRefusal(await gantry(["start"], stick), "BUNDLE_MISSING", /GANTRY_BUNDLE names/);
    cpSync(fixture.bundle, join(root, basename(fixture.bundle)));
    const run = await gantry(["start"], stick);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).toMatch(/BUNDLE_MISSING: GANTRY_BUNDLE names/);
  });
});

describe("a release that pins a key", () => {
  it("takes only a bundle that is signed by it", async () => {
    const { publicKey } = await keygen(keys("ours"));
    await keygen(keys("theirs"));
    root = fixture.make({ bundle: "vendored", manifest: (manifest) => ({ ...manifest, publicKey }) });
    const vendored = join(root, VENDORED);
    expectRefusal(
      await gantry(["start"]),
      "SIGNATURE_INVALID",
      /pins its publisher's key, and the bundle has no signature/,
    );
    await sign(vendored, "theirs");
    expectRefusal(
      await gantry(["start"]),
      "SIGNATURE_INVALID",
      /signed with key [0-9A-F]{16}, and the key to trust is/,
    );
    await sign(vendored, "ours");
    const signature = readFileSync(`${vendored}.minisig`, "utf8");
    writeFileSync(`${vendored}.minisig`, signature.replace("\ntrusted comment: ", "\ntrusted comment: not "));
    expectRefusal(
      await gantry(["start"]),
      "SIGNATURE_INVALID",
      /trusted comment of the signature was altered/,
    );
    expect(fixture.registry.requests).toEqual([]);
    expect(existsSync(join(root, "node_modules"))).toBe(false);
    writeFileSync(`${vendored}.minisig`, signature);
    expect(await gantry(["start"])).toMatchObject({ code: 0 });
    expect(leftovers()).toEqual([]);
  });
});
