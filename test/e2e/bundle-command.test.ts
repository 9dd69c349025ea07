/** gantry bundle on releases that are already built: what it adds, and what a failure or an interruption leaves. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CLI, runCli, type Said } from "../support/app/cli.ts";
import { copyLinked } from "../support/app/release.ts";
import { sharedRelease } from "../support/app/shared-release.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

let work = "";
/** A release that carries its own bundle and two others, and what those are. */
let full = "";
let bundles: Readonly<Record<string, string>> = {};
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-bundle-"));
  const app = join(root, "test/fixtures/apps/natives-bun");
  full = sharedRelease(app, "--vendor=linux-x64-gnu,linux-arm64-gnu,linux-x64-musl");
  bundles = digests(join(full, "vendor"));
});
afterAll(() => rmSync(work, { recursive: true }));

const gantry = (...args: string[]): Said => runCli(work, args);

/** Bytes from which a file is not read: the program, which no test writes to. */
const LARGE = 50_000_000;

/** Every file of a directory with its digest, by sha256sum's judgement; the program with what a write changes. */
function digests(directory: string): Record<string, string> {
  const files = execFileSync("find", [".", "-type", "f", "-printf", "%P\\0"], {
    cwd: directory,
    encoding: "utf8",
  });
  const names = files
    .split("\0")
    .filter((name) => name !== "")
    .toSorted();
  const stats = new Map(names.map((name) => [name, statSync(join(directory, name))]));
  const small = names.filter((name) => (stats.get(name)?.size ?? 0) < LARGE);
  const said = execFileSync("sha256sum", small, { cwd: directory, encoding: "utf8" });
  const read = said
    .trim()
    .split("\n")
    .map((line) => [line.slice(66), line.slice(0, 64)]);
  const large = [...stats].flatMap(([name, { size, ino, mtimeMs }]) =>
    size < LARGE ? [] : [[name, [size, ino, mtimeMs].join(" ")]],
  );
  return Object.fromEntries([...read, ...large]);
}

/** The release as it would be without --vendor. */
function bareRelease(name: string): string {
  const copy = join(work, name, basename(full));
  copyLinked(full, copy);
  rmSync(join(copy, "vendor"), { recursive: true });
  const sums = readFileSync(join(copy, "SHA256SUMS"), "utf8");
  writeFileSync(join(copy, "SHA256SUMS"), sums.replaceAll(/^.* {2}vendor\/.*\n/gm, ""));
  return copy;
}

const NO_REGISTRY = {
  npm_config_registry: "http://127.0.0.1:9/",
  NPM_CONFIG_REGISTRY: "http://127.0.0.1:9/",
  BUN_CONFIG_REGISTRY: "http://127.0.0.1:9/",
};

it("adds what a build with --vendor would have put in, and packs the archive again", () => {
  const release = bareRelease("added");
  linkSync(`${full}.tar.gz`, `${release}.tar.gz`);
  expect(gantry("keygen")).toMatchObject({ status: 0 });
  expect(gantry("sign", release)).toMatchObject({ status: 0 });
  const said = gantry(
    "bundle",
    release,
    ...Object.keys(bundles).flatMap((name) => ["--target", targetOf(name)]),
  );
  expect(said).toMatchObject({ status: 0 });
  expect(digests(join(release, "vendor"))).toEqual(bundles);
  execFileSync("sha256sum", ["-c", "--quiet", "SHA256SUMS"], { cwd: release });
  expect(readFileSync(join(release, "SHA256SUMS"))).toEqual(readFileSync(join(full, "SHA256SUMS")));
  expect(said.stderr).toMatch(/sign the release again: removed .*SHA256SUMS\.minisig/);
  const listing = execFileSync("tar", ["-tzf", `${release}.tar.gz`], { encoding: "utf8" });
  expect(listing.match(/\/vendor\/.*\.tar\.zst$/gm)).toHaveLength(3);
  expect(listing).not.toContain("minisig");
  const again = gantry("sign", release);
  expect(again).toMatchObject({ status: 0, stderr: "" });
  expect(gantry("verify", release)).toMatchObject({ status: 0 });
  const before = digests(release);
  expect(gantry("bundle", release)).toMatchObject({ status: 0 });
  expect(digests(release)).toEqual(before);
});

const targetOf = (name: string): string => name.replace(/\.tar\.zst$/, "");

it("takes the release's own modules where they are prepared, without a network", () => {
  const release = bareRelease("prepared");
  execFileSync(join(release, "gantry"), ["prepare"], { cwd: work, stdio: "pipe" });
  const before = digests(release);
  const said = runCli(work, ["bundle", release, "--out", "travel"], NO_REGISTRY);
  expect(said).toMatchObject({ status: 0 });
  expect(digests(release)).toEqual(before);
  const [name = "", ...others] = readdirSync(join(work, "travel"));
  expect(others).toEqual([]);
  expect(name).toBe(`${basename(release)}.bundle.tar.zst`);
  expect(Object.values(bundles)).toContain(digests(join(work, "travel"))[name]);
});

it.each([
  ["there is no network", NO_REGISTRY, ["--target", "darwin-arm64"], 75, /NETWORK_FAILED/],
  ["a target is mistyped", {}, ["--target", "linux-x86"], 64, /linux-x64-gnu/],
  ["the Bun is none", {}, ["--bun", "/bin/true"], 78, /CONFIG_INVALID/],
])("leaves the release as it was when %s", (_why, extra, args, status, message) => {
  const release = bareRelease(`failed-${status}`);
  const before = digests(release);
  const said = runCli(work, ["bundle", release, ...args], extra);
  expect(said).toMatchObject({ status, stdout: "" });
  expect(said.stderr).toMatch(message);
  expect(digests(release)).toEqual(before);
  expect(readdirSync(release)).not.toContain("vendor");
});

it("refuses a damaged release, and one whose own bundle comes out differently", () => {
  const release = bareRelease("damaged");
  const file = join(release, "lib/release.json");
  const text = readFileSync(file, "utf8");
  const { bundle } = JSON.parse(text) as { bundle: { sha256: string } };
  rmSync(file);
  writeFileSync(file, text.replace(bundle.sha256, "0".repeat(64)));
  const damaged = gantry("bundle", release);
  expect(damaged).toMatchObject({ status: 65, stdout: "" });
  expect(damaged.stderr).toMatch(/DIGEST_MISMATCH: lib\/release\.json/);
  const sums = readFileSync(join(release, "SHA256SUMS"), "utf8");
  const [digest = ""] = execFileSync("sha256sum", [file], { encoding: "utf8" }).split(" ");
  writeFileSync(join(release, "SHA256SUMS"), sums.replace(/^.*(?= {2}lib\/release\.json$)/m, digest));
  const other = gantry("bundle", release);
  expect(other).toMatchObject({ status: 65, stdout: "" });
  expect(other.stderr).toMatch(
    /DIGEST_MISMATCH: the bundle that was made is not the one that the release names/,
  );
  expect(readdirSync(release)).not.toContain("vendor");
});

it("leaves the release as it was when it is interrupted", async () => {
  const release = bareRelease("interrupted");
  const before = digests(release);
  const child = spawn(process.execPath, [CLI, "bundle", release, "--target", "linux-arm64-gnu"], {
    cwd: work,
    // Where it works, and leaves what it had made by then.
    env: { ...process.env, TMPDIR: work },
    stdio: ["ignore", "ignore", "pipe"],
  });
  await once(child.stderr, "data");
  child.kill("SIGINT");
  const [, signal] = (await once(child, "exit")) as [number | null, string | null];
  expect(signal).toBe("SIGINT");
  expect(digests(release)).toEqual(before);
});
