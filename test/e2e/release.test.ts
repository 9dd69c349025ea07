import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { copyRelease, makeScratch, type Scratch } from "../support/app/release.ts";

const release = inject("release");
const EXACT = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

interface MinimalPackage {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  trustedDependencies: string[];
  allowScripts: Record<string, boolean>;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(release, path), "utf8")) as T;
}

/** Every file of the sample release. */
const FILES = [
  ".env.example",
  "README.md",
  "SHA256SUMS",
  "brain",
  "bun.lock",
  "gantry",
  "lib/brain",
  "lib/launcher.mjs",
  "lib/release.json",
  "package.json",
  "setup.sh",
  "systemd/README.md",
  "systemd/airgapped.conf",
  "systemd/backoff.conf",
  "systemd/brain.service",
  "systemd/brain.socket",
  "systemd/brain.sysusers",
  "systemd/local.conf",
];

/** What the launcher consists of besides, by the names under which its files import each other. */
const PARTS = partsOf("launcher.mjs").map((name) => `lib/${name}`);

function partsOf(name: string, found = new Set<string>()): string[] {
  const text = readFileSync(join(release, "lib", name), "utf8");
  for (const [, part = ""] of text.matchAll(/"\.\/(launcher-[0-9A-Z]+\.mjs)"/g)) {
    if (found.has(part)) continue;
    found.add(part);
    partsOf(part, found);
  }
  return [...found];
}

describe("a built release", () => {
  it("is named after app, version and target", () => {
    expect(basename(release)).toMatch(/^test-brain-v0\.1\.0-linux-(?:x64|arm64)(?:-musl)?$/);
  });

  it("holds the files that docs/first-release.md promises, and nothing else", () => {
    const files = readdirSync(release, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(release.length + 1));
    expect(files.toSorted()).toEqual([...FILES, ...PARTS].toSorted());
  });

  it("has modes that do not depend on the umask", () => {
    const modes = ["brain", "gantry", "setup.sh", "lib/brain", "lib/release.json", "package.json"].map(
      (path) => statSync(join(release, path)).mode & 0o777,
    );
    expect(modes).toEqual([0o755, 0o755, 0o755, 0o755, 0o644, 0o644]);
  });

  it("is what SHA256SUMS says, by sha256sum's own judgement", () => {
    const said = execFileSync("sha256sum", ["-c", "SHA256SUMS"], { cwd: release, encoding: "utf8" });
    const lines = said.trim().split("\n");
    expect(lines.every((line) => line.endsWith(": OK"))).toBe(true);
    expect(lines).toHaveLength(FILES.length + PARTS.length - 1);
  });

  it("pins the externals to the versions of the app's lock, never to a range", () => {
    const json = readJson<MinimalPackage>("package.json");
    expect(json.dependencies).toEqual({ bcrypt: "6.0.0", libsql: "0.5.11" });
    expect(json.optionalDependencies).toEqual({ "@matrix-org/matrix-sdk-crypto-nodejs": "0.1.0-beta.6" });
    for (const version of Object.values({ ...json.dependencies, ...json.optionalDependencies })) {
      expect(version).toMatch(EXACT);
    }
    expect(json.trustedDependencies).toContain("@matrix-org/matrix-sdk-crypto-nodejs");
    expect(Object.keys(json.allowScripts).join()).toContain("@matrix-org/matrix-sdk-crypto-nodejs");
  });

  it("locks this platform's binaries and no other's, and no address", () => {
    const lock = readFileSync(join(release, "bun.lock"), "utf8");
    const keys = [...lock.matchAll(/^ {4}"([^"]+)": \[/gm)].map(([, key]) => key);
    const platform = keys.filter((key) => /^@libsql\/(?:linux|darwin|win32)/.test(key ?? ""));
    expect(platform).toHaveLength(1);
    expect(keys).toContain("libsql");
    expect(lock).not.toMatch(/https?:\/\//);
  });

  it("has a manifest whose tree is complete and pruned", () => {
    const { modules, native } = readJson<{
      modules: Record<string, { files: Record<string, unknown> }>;
      native: { path: string }[];
    }>("lib/release.json");
    const paths = Object.entries(modules).flatMap(([directory, module]) =>
      Object.keys(module.files).map((path) => `${directory}/${path}`),
    );
    expect(paths.some((path) => /\.(?:d\.ts|map|md)$/.test(path) && !/licen[cs]e/i.test(path))).toBe(false);
    expect(paths.filter((path) => path.endsWith(".node")).toSorted()).toEqual(
      native.map(({ path }) => path).toSorted(),
    );
    expect(native.some(({ path }) => path.startsWith("bcrypt/prebuilds/"))).toBe(true);
    expect(native.some(({ path }) => path.startsWith("@libsql/"))).toBe(true);
    expect(paths).toContain("bcrypt/LICENSE");
  });

  it("records the optional module that cannot be had, with what to do", () => {
    const { externals } = readJson<{ externals: { name: string; unavailable?: { fix: string } }[] }>(
      "lib/release.json",
    );
    const crypto = externals.find(({ name }) => name === "@matrix-org/matrix-sdk-crypto-nodejs");
    expect(crypto?.unavailable?.fix).toMatch(/starts without it/);
    expect(readFileSync(join(release, "README.md"), "utf8")).toContain("not in this release");
  });

  it("comes with an archive of exactly these files", () => {
    const listing = execFileSync("tar", ["-tzf", `${release}.tar.gz`], { encoding: "utf8" })
      .trim()
      .split("\n");
    expect(listing.every((path) => path.startsWith(`${basename(release)}/`))).toBe(true);
    expect(listing).toHaveLength(FILES.length + PARTS.length);
  });

  it("ends its build with a table of sizes and savings", () => {
    expect(inject("buildLog")).toContain(release);
    expect(existsSync(`${release}.tar.gz`)).toBe(true);
  });
});

describe("the shell scripts", () => {
  let scratch: Scratch;
  beforeAll(() => {
    scratch = makeScratch();
  });
  afterAll(() => scratch.dispose());

  it("are whole: no template place is left", () => {
    for (const name of ["brain", "gantry", "setup.sh"]) {
      expect(readFileSync(join(release, name), "utf8")).not.toMatch(/@[A-Z_]+@|#@include/);
    }
  });

  it("find nothing to do without their binary, and say so", () => {
    const copy = copyRelease(join(scratch.directory, "a place with spaces"));
    mkdirSync(join(scratch.directory, "x"));
    writeFileSync(join(copy, "lib/brain.moved"), "");
    execFileSync("rm", [join(copy, "lib/brain")]);
    const result = (() => {
      try {
        return execFileSync(join(copy, "brain"), [], { env: scratch.env, encoding: "utf8", stdio: "pipe" });
      } catch (error) {
        return error as { status: number; stderr: string };
      }
    })();
    expect(result).toMatchObject({ status: 66 });
    expect((result as { stderr: string }).stderr).toContain("RELEASE_FILE_MISSING");
  });
});
