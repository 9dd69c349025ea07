/** Releases for arm64, built on x64: they start there from their bundles, and neither kind of machine runs the other's. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { captureHost } from "../../src/host/captured.ts";
import { readHost } from "../../src/host/host.ts";
import { hostRoot } from "../../src/host/root.ts";
import { arm64Obstacle } from "../support/roots/arm64-machine.ts";
import { arm64MuslRoot, arm64Root, enterEmulated } from "../support/roots/arm64-roots.ts";
import { enter, npmPackage, slimRoot } from "../support/roots/roots.ts";
import { buildSample, PATIENT } from "../support/hosts/samples.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const gantry = join(repository, "dist/cli.js");
const obstacle = arm64Obstacle();
if (obstacle !== undefined) console.warn(`skipped, arm64 programs do not run here: ${obstacle}`);

/** ARMv8.0, as in a Raspberry Pi 3: without the atomic instructions that came with 8.1. */
const OLDEST = "cortex-a53";

let work = "";
const releaseFor = (target: string): string => join(work, `bun/test-brain-v0.1.0-${target}`);

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-arm64-"));
  chmodSync(work, 0o755);
  buildSample("bun", work, ["linux-arm64-gnu", "linux-arm64-musl", "linux-x64-gnu"]);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

it("the scripts are clean by shellcheck's judgement", () => {
  const scripts = ["linux-arm64", "linux-arm64-musl"].flatMap((target) =>
    ["brain", "gantry", "setup.sh"].map((name) => join(releaseFor(target), name)),
  );
  expect(spawnSync("shellcheck", scripts, { encoding: "utf8" })).toMatchObject({ status: 0, stdout: "" });
});

const HOSTS = [
  ["glibc", "linux-arm64", "linux-arm64-gnu", () => arm64Root()],
  ["musl and busybox", "linux-arm64-musl", "linux-arm64-musl", () => arm64MuslRoot()],
] as const;

describe.skipIf(obstacle !== undefined).each(HOSTS)("on arm64 with %s", (_, suffix, target, makeRoot) => {
  const sh = (script: string) =>
    enterEmulated(makeRoot(), ["/bin/sh", "-c", script], {
      mounts: { "/opt/release": releaseFor(suffix) },
      cpu: OLDEST,
    });

  it("starts from its bundle without a network, then at once, stores and finds", PATIENT, () => {
    const lines = [
      "cd /tmp",
      "/opt/release/brain add northern 1,0,0,0",
      "echo again >&2",
      "/opt/release/brain add eastern 0,1,0,0",
      "/opt/release/brain search 0,2,0,0 1",
    ];
    const result = sh(lines.join(" && "));
    const found = '{"id":2,"text":"eastern","distance":0}';
    expect(result).toMatchObject({ code: 0, stdout: `{"id":1}\n{"id":2}\n${found}\n` });
    const [cold, warm] = result.stderr.split("again\n");
    expect(cold).toContain(`from vendor/${target}.tar.zst`);
    expect(warm).toBe("");
  });

  it("is judged right by its own doctor and verify", PATIENT, () => {
    const result = sh("/opt/release/gantry verify && /opt/release/gantry doctor");
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/host +linux arm64/);
    expect(result.stdout).toMatch(/loads +bcrypt 6\.0\.0/);
    expect(result.stdout).toMatch(/loads +libsql 0\.5\.13/);
    expect(result.stdout).toContain(`ok    @libsql/${target}/index.node`);
    expect(result.stdout).toMatch(/findings +none/);
  });

  it("and the x64 release is refused there before anything of it is run", () => {
    for (const name of ["brain", "gantry", "setup.sh"]) {
      const mounts = { "/opt/release": releaseFor("linux-x64") };
      const result = enterEmulated(makeRoot(), [`/opt/release/${name}`, "x"], { mounts });
      expect(result).toMatchObject({ code: 69, stdout: "" });
      expect(result.stderr).toContain(
        "HOST_UNSUPPORTED: this is the linux-x64-gnu release, and this machine is",
      );
      expect(result.stderr).toContain(`take the release test-brain-v0.1.0-${suffix}\n`);
    }
  });
});

it.each([
  ["linux-arm64", "linux-arm64-gnu"],
  ["linux-arm64-musl", "linux-arm64-musl"],
])("the %s release is refused on x64", (suffix, target) => {
  const result = enter(slimRoot(), ["/opt/release/brain"], {
    mounts: { "/opt/release": releaseFor(suffix) },
  });
  expect(result).toMatchObject({ code: 69, stdout: "" });
  expect(result.stderr).toContain(`HOST_UNSUPPORTED: this is the ${target} release`);
  expect(result.stderr).toContain("take the release test-brain-v0.1.0-linux-x64\n");
});

describe("gantry check on x64, of an arm64 host's facts", () => {
  const FILES = {
    "libsql-arm64-gnu.node": ["libsql-arm64-gnu", "index.node"],
    "libsql-arm64-musl.node": ["libsql-arm64-musl", "index.node"],
    "bcrypt-arm64-gnu.node": ["bcrypt", "prebuilds/linux-arm64/bcrypt.glibc.node"],
    "bcrypt-arm64-musl.node": ["bcrypt", "prebuilds/linux-arm64/bcrypt.musl.node"],
    "bcrypt-x64-gnu.node": ["bcrypt", "prebuilds/linux-x64/bcrypt.glibc.node"],
  } as const;
  const WRONG = { gnu: "libsql-arm64-musl.node", musl: "libsql-arm64-gnu.node" };

  it.skipIf(obstacle !== undefined).each([
    ["glibc", "linux-arm64", "gnu", () => arm64Root()],
    ["musl", "linux-arm64-musl", "musl", () => arm64MuslRoot()],
  ] as const)("judges files for %s there", (_, suffix, libc, makeRoot) => {
    const lab = mkdtempSync(join(work, "lab-"));
    const root = makeRoot();
    const facts = join(lab, "facts.json");
    writeFileSync(facts, JSON.stringify(captureHost(readHost({ root, env: {} }), hostRoot(root).list)));
    for (const [name, [packed, path]] of Object.entries(FILES))
      cpSync(join(npmPackage(packed), path), join(lab, name));
    const files = Object.keys(FILES).map((name) => join(lab, name));
    const runtime = join(releaseFor(suffix), "lib/brain");
    const args = [gantry, "check", "--json", "--host", facts, "--runtime", runtime, ...files];
    const result = spawnSync(process.execPath, args, { encoding: "utf8" });
    const report = JSON.parse(result.stdout) as {
      files: { path: string; verdict: string; findings: { code: string }[] }[];
    };
    const refused = report.files.filter(({ verdict }) => verdict === "fail");
    const codes = refused.map(({ path, findings }) => [path.slice(lab.length + 1), findings[0]?.code]);
    expect(Object.fromEntries(codes)).toEqual({
      [WRONG[libc]]: "LIBC_MISMATCH",
      [WRONG[libc].replace("libsql", "bcrypt")]: "LIBC_MISMATCH",
      "bcrypt-x64-gnu.node": "HOST_UNSUPPORTED",
    });
  });
});
