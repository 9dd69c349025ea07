/** What is wrong with a release, a setting or a place: one code, one fix, nothing changed, and no network asked. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../../src/base/errors.ts";
import { bareEnvironment, expectRefusal, runProgram, type Run } from "../../support/launcher/fixture.ts";
import { resum } from "../../support/launcher/resum.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

const fixture = useFixture();
let root = "";

/** The program that runs the launcher tells it where the release is; the release's own may be what is damaged. */
const runner = () => {
  const path = join(root, "lib/runner");
  if (!existsSync(path)) linkSync(fixture.executable, path);
  return path;
};
const launch = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Run> =>
  runProgram(runner(), ["--no-install", join(root, "lib/launcher.mjs"), ...args], {
    cwd: fixture.directory,
    environment: {
      ...bareEnvironment(),
      BUN_BE_BUN: "1",
      GANTRY_REGISTRY: fixture.registry.url,
      ...environment,
    },
  });

const manifest = () => join(root, "lib/release.json");
const rewrite = (path: string, change: (text: string) => string) => {
  writeFileSync(path, change(readFileSync(path, "utf8")));
  resum(root);
};
/** The binary is shared between the fixture's releases by a hard link, so it is copied before it is damaged. */
const ownBinary = () => {
  const path = join(root, "lib/tiny");
  rmSync(path);
  copyFileSync(fixture.executable, path);
  return path;
};
const setMachine = (path: string, machine: number) => {
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, Buffer.from([machine, 0]), 0, 2, 18);
  closeSync(descriptor);
};

const damages: [string, ErrorCode, RegExp, () => void][] = [
  ["no release.json", "RELEASE_FILE_MISSING", /release\.json is not there/, () => rmSync(manifest())],
  ["half a release.json", "MANIFEST_INVALID", /ends early/, () => truncateSync(manifest(), 300)],
  [
    "a release.json from the future",
    "MANIFEST_INVALID",
    /schema 2.*reads schema 1/,
    () => rewrite(manifest(), (text) => text.replace('"schema": 1', '"schema": 2')),
  ],
  [
    "an unknown key in release.json",
    "MANIFEST_INVALID",
    /unknown key "extra"/,
    () => rewrite(manifest(), (text) => text.replace("{", '{"extra": true,')),
  ],
  [
    "a path in release.json that leaves the release",
    "MANIFEST_INVALID",
    /is not a path inside the release/,
    () => rewrite(manifest(), (text) => text.replace('"index.js"', '"../../index.js"')),
  ],
  ["no binary", "RELEASE_FILE_MISSING", /lib\/tiny is not there/, () => rmSync(join(root, "lib/tiny"))],
  [
    "a stripped binary",
    "DIGEST_MISMATCH",
    /lib\/tiny was stripped or replaced/,
    () => {
      const path = ownBinary();
      const size = statSync(path).size;
      if (spawnSync("strip", [path]).status !== 0) truncateSync(path, size - 64);
      expect(statSync(path).size).not.toBe(size);
    },
  ],
  [
    "a binary for another machine",
    "DIGEST_MISMATCH",
    /lib\/tiny is a program for arm64/,
    () => {
      setMachine(ownBinary(), 183);
    },
  ],
  [
    "no program at all for a binary",
    "DIGEST_MISMATCH",
    /is no program for Linux/,
    () => {
      writeFileSync(ownBinary(), "#!/bin/sh\n");
    },
  ],
  [
    "another machine's target",
    "HOST_UNSUPPORTED",
    /this release is for linux-arm64-gnu/,
    () => rewrite(manifest(), (text) => text.replace("linux-x64-gnu", "linux-arm64-gnu")),
  ],
  [
    "another version in package.json than in the lock",
    "MANIFEST_INVALID",
    /package\.json wants bcrypt 6\.0\.1, bun\.lock has 6\.0\.0/,
    () => rewrite(join(root, "package.json"), (text) => text.replace("6.0.0", "6.0.1")),
  ],
  [
    "a lock without a module",
    "MANIFEST_INVALID",
    /built with node-gyp-build 4\.8\.4, bun\.lock does not have it/,
    () => rewrite(join(root, "bun.lock"), (text) => text.replace(/^ *"node-gyp-build".*$/m, "")),
  ],
  [
    "half a lock",
    "MANIFEST_INVALID",
    /bun\.lock is damaged/,
    () => truncateSync(join(root, "bun.lock"), 300),
  ],
  ["no lock", "RELEASE_FILE_MISSING", /bun\.lock is not there/, () => rmSync(join(root, "bun.lock"))],
  [
    "no package.json",
    "RELEASE_FILE_MISSING",
    /package\.json is not there/,
    () => rmSync(join(root, "package.json")),
  ],
];

describe("a release with", () => {
  it.each(damages)("%s", async (_, code, message, damage) => {
    root = fixture.make();
    damage();
    expectRefusal(await launch(["start"]), code, message);
    expect(readdirSync(root).filter((name) => /node_modules|\.gantry/.test(name))).toEqual([]);
    expect(fixture.registry.requests).toEqual([]);
  });

  it("a vendored way alone never asks a registry", async () => {
    root = fixture.make({ manifest: (written) => ({ ...written, install: "vendor" }) });
    expectRefusal(await launch(["start"]), "BUNDLE_MISSING", /from a bundle alone/);
    expect(fixture.registry.requests).toEqual([]);
  });

  it("several things wrong tells all of them", async () => {
    root = fixture.make();
    rewrite(manifest(), (text) => text.replace("linux-x64-gnu", "linux-arm64-gnu"));
    rmSync(join(root, "lib/tiny"));
    const run = await launch(["start"]);
    expectRefusal(run, "HOST_UNSUPPORTED", /RELEASE_FILE_MISSING: lib\/tiny/);
  });

  it("a manifest of other bytes than the registry's names the first file that differs", async () => {
    root = fixture.make({
      manifest: (written) =>
        JSON.parse(
          JSON.stringify(written).replace(
            /"bcrypt\.js":\[(\d+),"[0-9a-f]{64}"/,
            (_m, size) => `"bcrypt.js":[${size},"${"0".repeat(64)}"`,
          ),
        ),
    });
    expectRefusal(await launch(["start"]), "DIGEST_MISMATCH", /node_modules\/bcrypt\/bcrypt\.js/);
    expect(readdirSync(root).filter((name) => /node_modules|\.gantry/.test(name))).toEqual([]);
  });
});

describe("a setting", () => {
  it.each([
    ["GANTRY_LOG_LEVEL", "wran", /set it to warn/],
    ["GANTRY_LOG_LEVEL", "loud", /one of silent, error, warn, info, debug/],
    ["GANTRY_PACKAGE_MANAGER", "nmp", /set it to npm/],
    ["GANTRY_PACKAGE_MANAGER", "yarn", /one of bun, npm/],
    ["GANTRY_OFFLINE", "yes", /one of 0, 1/],
    ["GANTRY_REGISTRY", "registry.example", /whole address/],
    ["GANTRY_REGISTRY", "file:///etc", /no http or https address/],
  ])("%s=%s is refused", async (name, value, message) => {
    root = fixture.make();
    const run = await launch(["start"], { [name]: value });
    expectRefusal(run, "CONFIG_INVALID", message);
    expect(run.stderr).toContain(`${name} is "${value}"`);
    expect(fixture.registry.requests).toEqual([]);
  });

  it("keeps a password to itself", async () => {
    root = fixture.make();
    const run = await launch(["start"], { GANTRY_REGISTRY: "ftp://user:secret@registry.example/" });
    expectRefusal(run, "CONFIG_INVALID", /ftp:\/\/\*\*\*@registry\.example/);
    expect(run.stderr).not.toContain("secret");
  });

  it("and another one are refused together", async () => {
    root = fixture.make();
    const run = await launch(["start"], { GANTRY_LOG_LEVEL: "loud", GANTRY_OFFLINE: "yes" });
    expectRefusal(run, "CONFIG_INVALID", /GANTRY_OFFLINE[\s\S]*GANTRY_LOG_LEVEL/);
  });

  it("that looks mistyped is pointed out, and an app's own is not", async () => {
    root = fixture.make({ tree: "present" });
    const own = { GANTRY_OFFLIN: "1", GANTRY_STORE: "/x", GANTRY_CRANE_COLOUR: "red" };
    const run = await launch(["start"], own);
    expect(run.code).toBe(0);
    expect(run.stderr.trim().split("\n")).toEqual(["gantry: GANTRY_OFFLIN is not known; GANTRY_OFFLINE is"]);
  });

  it("that names an npm which is not there is refused before anything is fetched", async () => {
    root = fixture.make();
    const path = join(fixture.directory, "no-npm");
    mkdirSync(path, { recursive: true });
    const run = await launch(["start"], { GANTRY_PACKAGE_MANAGER: "npm", PATH: path });
    expectRefusal(run, "CONFIG_INVALID", /no npm on the PATH/);
  });

  it.each(["npm", "node"])("that leads to another user's %s is refused before that runs", async (name) => {
    root = fixture.make();
    const path = join(fixture.directory, `their-${name}`);
    mkdirSync(path, { recursive: true });
    for (const each of ["npm", "node"])
      writeFileSync(join(path, each), `#!/bin/sh\n: >'${path}/ran'\n`, { mode: 0o755 });
    chmodSync(join(path, name), 0o777);
    const settings = { GANTRY_PACKAGE_MANAGER: "npm", PATH: `${path}:/usr/bin:/bin` };
    const run = await launch(["start"], settings);
    expectRefusal(run, "STORE_UNSAFE", new RegExp(`${path}/${name} can be written by everybody`));
    expect(existsSync(join(path, "ran"))).toBe(false);
    await launch(["start"], { ...settings, GANTRY_SKIP: "STORE_UNSAFE" });
    expect(existsSync(join(path, "ran"))).toBe(true);
  });
});

describe("a network", () => {
  it("that is not there offers the npm of the host, if there is one", async () => {
    root = fixture.make();
    const unreachable = { GANTRY_REGISTRY: "http://127.0.0.1:1/" };
    const without = await launch(["start"], { ...unreachable, PATH: "/nonexistent" });
    expectRefusal(without, "NETWORK_FAILED", /check the network/);
    expect(without.stderr).not.toContain("GANTRY_PACKAGE_MANAGER");
    const bin = join(fixture.directory, "with-npm");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "npm"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const withNpm = await launch(["start"], { ...unreachable, PATH: bin });
    expectRefusal(withNpm, "NETWORK_FAILED", /GANTRY_PACKAGE_MANAGER=npm/);
    expect(readdirSync(root).filter((name) => /node_modules|\.gantry/.test(name))).toEqual([]);
  });

  it("that is forbidden by GANTRY_OFFLINE=1 is not touched", async () => {
    root = fixture.make();
    expectRefusal(
      await launch(["start"], { GANTRY_OFFLINE: "1" }),
      "BUNDLE_MISSING",
      /GANTRY_OFFLINE=1 forbids/,
    );
    expectRefusal(await launch(["prepare", "--offline"]), "BUNDLE_MISSING", /--offline forbids/);
    expect(fixture.registry.requests).toEqual([]);
  });
});
