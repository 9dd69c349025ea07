/** Bundles as people get them: built with a release, added later, travelling alone. tar and sha256sum are the judges. */
import { execFileSync } from "node:child_process";
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { BUN, runCli, type Said } from "../support/app/cli.ts";
import { copyLinked } from "../support/app/release.ts";
import { sharedRelease } from "../support/app/shared-release.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const app = join(root, "test/fixtures/apps/natives-bun");
/** As in bundle-command.test.ts, which reads the same release. */
const VENDOR = "--vendor=linux-x64-gnu,linux-arm64-gnu,linux-x64-musl";

let work = "";
let release = "";
/** The bundle of the building machine's own target. */
let ownBundle = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-bundle-"));
  const built = sharedRelease(app, VENDOR);
  release = join(work, basename(built));
  copyLinked(built, release);
  linkSync(`${built}.tar.gz`, `${release}.tar.gz`);
  ownBundle = join(release, `vendor/${manifestOf(release).target}.tar.zst`);
});
afterAll(() => rmSync(work, { recursive: true }));

const gantry = (...args: string[]): Said => runCli(work, args);

const UNPACK =
  'process.stdout.write(require("node:zlib").zstdDecompressSync(require("node:fs").readFileSync(process.argv[1])))';
const decompress = (file: string): Buffer =>
  execFileSync(BUN, ["-e", UNPACK, file], { env: {}, maxBuffer: 1 << 28 });
const listing = (file: string): string[] =>
  execFileSync("tar", ["-tf", "-"], { input: decompress(file), encoding: "utf8" })
    .trim()
    .split("\n");
const digest = (file: string): string => execFileSync("sha256sum", [file], { encoding: "utf8" }).slice(0, 64);

interface BundleFields {
  target: string;
  bundle: { compression: string; size: number; sha256: string; unpacked: number };
}
const manifestOf = (directory: string): BundleFields =>
  JSON.parse(readFileSync(join(directory, "lib/release.json"), "utf8")) as BundleFields;

describe("a release built with --vendor", () => {
  it("carries a bundle for each named target, with that platform's native files only", () => {
    const names = readdirSync(join(release, "vendor")).toSorted();
    expect(names).toEqual(["linux-arm64-gnu.tar.zst", "linux-x64-gnu.tar.zst", "linux-x64-musl.tar.zst"]);
    const native = names.map((name) =>
      listing(join(release, "vendor", name)).filter((path) => path.endsWith(".node")),
    );
    expect(native).toEqual([
      [
        "@node-rs/crc32-linux-arm64-gnu/crc32.linux-arm64-gnu.node",
        "bcrypt/prebuilds/linux-arm64/bcrypt.glibc.node",
      ],
      [
        "@node-rs/crc32-linux-x64-gnu/crc32.linux-x64-gnu.node",
        "bcrypt/prebuilds/linux-x64/bcrypt.glibc.node",
      ],
      [
        "@node-rs/crc32-linux-x64-musl/crc32.linux-x64-musl.node",
        "bcrypt/prebuilds/linux-x64/bcrypt.musl.node",
      ],
    ]);
  });

  it("names its own bundle in the manifest, by sha256sum's own judgement", () => {
    const file = ownBundle;
    const { bundle } = manifestOf(release);
    expect(bundle).toMatchObject({ compression: "zst", sha256: digest(file) });
    expect(readFileSync(file)).toHaveLength(bundle.size);
    expect(decompress(file)).toHaveLength(bundle.unpacked);
    const said = execFileSync("sha256sum", ["-c", "SHA256SUMS"], { cwd: release, encoding: "utf8" });
    expect(said.match(/^vendor\/.*: OK$/gm)).toHaveLength(3);
  });

  it("bundles exactly the tree that a registry gives", () => {
    const copy = join(work, "prepared");
    copyLinked(release, copy);
    rmSync(join(copy, "vendor"), { recursive: true });
    execFileSync(join(copy, "gantry"), ["prepare"], { cwd: work, stdio: "pipe" });
    const modules = join(copy, "node_modules");
    const found = execFileSync("find", [".", "-type", "f", "-not", "-path", "./.gantry/*"], {
      cwd: modules,
      encoding: "utf8",
    });
    const prepared = found
      .trim()
      .split("\n")
      .map((path) => path.slice(2))
      .toSorted();
    expect(listing(ownBundle)).toEqual(prepared);
    const out = mkdtempSync(join(work, "unpacked-"));
    execFileSync("tar", ["-xf", "-", "-C", out, "--no-same-owner"], { input: decompress(ownBundle) });
    const sums = execFileSync("sha256sum", prepared, { cwd: modules, encoding: "utf8" });
    expect(execFileSync("sha256sum", prepared, { cwd: out, encoding: "utf8" })).toBe(sums);
  });
});

it("a release that is installed as vendor always carries its bundle", () => {
  const built = gantry("build", app, "--bun", BUN, "--out", "only", "--install", "vendor", "--no-archive");
  expect(built).toMatchObject({ status: 0 });
  expect(built.stderr).toMatch(/^started: .* after \d\.\d s \(vendor\)$/m);
  const [directory = ""] = built.stdout.split("\n");
  expect(manifestOf(directory)).toMatchObject({ install: "vendor" });
  expect(readdirSync(join(directory, "vendor"))).toEqual([basename(ownBundle)]);
  expect(digest(join(directory, "vendor", basename(ownBundle)))).toBe(digest(ownBundle));
});

it("signs a release, its bundles and its archive, without leaking the secret key", () => {
  expect(gantry("keygen")).toMatchObject({ status: 0 });
  const signed = gantry("sign", release);
  expect(signed).toMatchObject({ status: 0, stderr: "" });
  expect(signed.stdout.match(/\.minisig$/gm)).toHaveLength(4);
  expect(gantry("verify", release)).toMatchObject({ status: 0 });
  const unpacked = mkdtempSync(join(work, "signed-"));
  execFileSync("tar", ["-xzf", `${release}.tar.gz`, "-C", unpacked]);
  expect(gantry("verify", join(unpacked, basename(release)))).toMatchObject({ status: 0 });
  expect(gantry("verify", ownBundle)).toMatchObject({ status: 0 });
  const [, line = ""] = readFileSync(join(work, "gantry.key"), "utf8").trim().split("\n");
  // An open key's last 32 bytes are its checksum; before them stand seed and public key, 32 bytes each.
  const seed = Buffer.from(line, "base64").subarray(-96, -64);
  expect(seed).toHaveLength(32);
  for (const path of readdirSync(unpacked, { recursive: true, encoding: "utf8" })) {
    const file = join(unpacked, path);
    if (statSync(file).isDirectory()) continue;
    const bytes = readFileSync(file);
    expect([path, bytes.includes(seed), bytes.includes(line)]).toEqual([path, false, false]);
  }
});

it("a mistyped target is refused before anything is compiled", () => {
  const refused = gantry("build", app, "--bun", BUN, "--out", "none", "--vendor=linux-x86");
  expect(refused).toMatchObject({ status: 64, stdout: "" });
  expect(refused.stderr).toContain("linux-x64-gnu");
  expect(refused.stderr).not.toContain("compiling");
  expect(readdirSync(work)).not.toContain("none");
});

it("every release says which bytes its bundle has, also one that carries none", () => {
  expect(readdirSync(inject("release"))).not.toContain("vendor");
  expect(manifestOf(inject("release")).bundle.sha256).toMatch(/^[0-9a-f]{64}$/);
});
