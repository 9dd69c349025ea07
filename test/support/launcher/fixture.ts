/**
 * A small real release to launch: an app compiled with the real Bun that answers the load probe, and a tree of real
 * native packages installed by the real package manager from a loopback registry. It stands apart from gantry's own
 * build on purpose, so that the launcher is tested against the contract and not against the build's idea of it.
 */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect } from "vitest";
import { ERRORS, type ErrorCode } from "../../../src/base/errors.ts";
import { formatManifest, type Manifest } from "../../../src/release/manifest.ts";
import {
  digestOfFiles,
  readFileEntry,
  readTreeEntry,
  readTreeFiles,
  type FileEntry,
} from "../../../src/release/tree.ts";
import { startRegistry, type Registry } from "../modules/registry.ts";
import { makeBundle, placeTree, type Bundle } from "./fixture-bundle.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
/** GANTRY_TEST_BUN names another Bun to run all of this with, such as the oldest that gantry supports. */
const BUN = process.env["GANTRY_TEST_BUN"] ?? join(repository, "node_modules/bun/bin/bun.exe");
const BINARY = "tiny";

/** Becomes the launcher where the scripts ask for it; else loads from where the modules are, and says what came of it. */
const APP = `
import { createRequire } from "node:module";
import { writeSync } from "node:fs";
import { dirname, join } from "node:path";
if (process.env.GANTRY_LAUNCHER) {
  delete process.env.GANTRY_LAUNCHER;
  await import(join(dirname(process.execPath), "launcher.mjs"));
  process.exit();
}
const modules = process.env.GANTRY_MODULES ?? join(dirname(dirname(process.execPath)), "node_modules");
const load = createRequire(join(dirname(modules), "app.js"));
if (process.env.GANTRY_PROBE) {
  const { nonce, specifiers } = JSON.parse(process.env.GANTRY_PROBE);
  const say = (answer: object) => writeSync(1, "gantry-probe " + nonce + " " + JSON.stringify(answer) + "\\n");
  for (const specifier of specifiers) {
    say({ specifier, state: "loading" });
    try {
      load(specifier);
      say({ specifier, state: "loaded" });
    } catch (error) {
      say({ specifier, state: "failed", name: error.name, message: error.message });
    }
  }
  process.exit(0);
}
const { crc32 } = load("@node-rs/crc32");
console.log("checksum " + crc32("gantry"));
`;

export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface MakeOptions {
  /** Externals that the app could start without. */
  readonly optional?: readonly string[];
  /** Changes the manifest before it is written. */
  readonly manifest?: (manifest: Manifest) => unknown;
  /** Puts the installed tree in place as well, without a stamp. */
  readonly tree?: "present";
  /** Puts the bundle where one comes with a release. */
  readonly bundle?: "vendored";
}

export interface Fixture {
  readonly directory: string;
  readonly registry: Registry;
  /** The compiled app and the launcher bundle, for whoever starts them without a release. */
  readonly executable: string;
  readonly launcher: string;
  /** The bundle of every release that is made here: a file of its own. */
  readonly bundle: string;
  /** Makes a release of its own in a new directory and returns its root. */
  readonly make: (options?: MakeOptions) => string;
  /** Runs a release's launcher under its own binary, in an empty directory. */
  readonly launch: (
    root: string,
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
    watch?: Watch,
  ) => Promise<Run>;
  readonly dispose: () => Promise<void>;
}

const TARGET = "linux-x64-gnu";
const PACKAGE = {
  name: BINARY,
  version: "1.2.3",
  private: true,
  dependencies: { "@node-rs/crc32": "1.10.6", bcrypt: "6.0.0" },
};
const EXTERNALS = Object.entries(PACKAGE.dependencies).map(([name, version]) => ({ name, version }));
/** Which external needs which directory of the tree; the rest of what is installed is not part of the release. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  "@node-rs/crc32": ["@node-rs/crc32"],
  "@node-rs/crc32-linux-x64-gnu": ["@node-rs/crc32"],
  bcrypt: ["bcrypt"],
  "node-gyp-build": ["bcrypt"],
};
/** What a build would prune: types, notes, and native files that are not for the target. */
const PRUNED = /\.(?:d\.ts|md|map)$|(?:^|\/)(?:test|examples|src)\/|prebuilds\/(?!linux-x64\/)|\.musl\.node$/;

export async function makeFixture(): Promise<Fixture> {
  const directory = mkdtempSync(join(tmpdir(), "gantry-launcher-"));
  const registry = await startRegistry();
  const executable = join(directory, BINARY);
  writeFileSync(join(directory, "app.ts"), APP);
  execFileSync(
    BUN,
    ["build", "--compile", "--compile-autoload-package-json", "--minify", "app.ts", "--outfile", BINARY],
    {
      cwd: directory,
      stdio: "pipe",
    },
  );
  const launcher = join(directory, "launcher.mjs");
  await build({
    absWorkingDir: repository,
    entryPoints: ["src/launcher/main.ts"],
    outfile: launcher,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
  });
  const source = await installSource(directory, registry);
  const { modules } = describeManifest(executable, launcher, source, []);
  const bundle = makeBundle({ directory, source, bun: BUN, modules, name: BINARY, version: PACKAGE.version });
  const empty = join(directory, "empty");
  mkdirSync(empty);
  let count = 0;
  return {
    directory,
    registry,
    executable,
    launcher,
    bundle: bundle.path,
    make: (options = {}) => {
      count += 1;
      const root = join(directory, `release-${count}`);
      makeRelease({ root, executable, launcher, source, bundle }, options);
      return root;
    },
    launch: (root, args, environment, watch) =>
      runProgram(
        join(root, "lib", BINARY),
        [
          "--config=/dev/null",
          "--env-file=/dev/null",
          "--no-install",
          join(root, "lib/launcher.mjs"),
          ...args,
        ],
        { cwd: empty, environment: { ...bareEnvironment(), BUN_BE_BUN: "1", ...environment }, ...watch },
      ),
    dispose: async () => {
      await registry.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Nothing of the shell that runs the tests, least of all npm's settings; and a home that nobody can make. */
export function bareEnvironment(): Record<string, string> {
  return { PATH: "/usr/bin:/bin", HOME: "/proc/nonexistent" };
}

async function installSource(directory: string, registry: Registry): Promise<string> {
  const source = join(directory, "source");
  mkdirSync(source);
  writeFileSync(join(source, "package.json"), JSON.stringify(PACKAGE));
  const common = [`--registry=${registry.url}`, `--cache-dir=${join(directory, "cache")}`];
  const args = ["install", "--config=/dev/null", "--ignore-scripts", "--backend=copyfile", ...common];
  const { code, stderr } = await runProgram(BUN, args, { cwd: source, environment: bareEnvironment() });
  if (code !== 0) throw new Error(stderr);
  const lock = join(source, "bun.lock");
  // The registry's address is not part of a release's lock.
  writeFileSync(lock, readFileSync(lock, "utf8").replace(/"http:\/\/127\.0\.0\.1[^"]*"/g, '""'));
  registry.requests.length = 0;
  return source;
}

interface Parts {
  readonly root: string;
  readonly bundle: Bundle;
  readonly executable: string;
  readonly launcher: string;
  readonly source: string;
}

function makeRelease({ root, executable, launcher, source, bundle }: Parts, options: MakeOptions): void {
  mkdirSync(join(root, "lib"), { recursive: true });
  linkSync(executable, join(root, "lib", BINARY));
  cpSync(launcher, join(root, "lib/launcher.mjs"));
  for (const name of ["package.json", "bun.lock"]) cpSync(join(source, name), join(root, name));
  const described = describeManifest(executable, launcher, source, options.optional ?? []);
  const manifest: Manifest = { ...described, bundle: bundle.entry };
  const written = (options.manifest?.(manifest) ?? manifest) as Manifest;
  writeFileSync(join(root, "lib/release.json"), formatManifest(written));
  if (options.tree === "present") placeTree(join(root, "node_modules"), source, manifest.modules);
  if (options.bundle === "vendored") {
    mkdirSync(join(root, "vendor"));
    cpSync(bundle.path, join(root, `vendor/${TARGET}.tar.zst`));
  }
  const names = ["bun.lock", "lib/launcher.mjs", "lib/release.json", `lib/${BINARY}`, "package.json"];
  const sums = names.map((name) => `${readFileEntry(join(root, name))[1]}  ${name}\n`);
  writeFileSync(join(root, "SHA256SUMS"), sums.join(""));
}

const FACTS = new Map<string, Omit<Manifest, "externals">>();

function describeManifest(
  executable: string,
  launcher: string,
  source: string,
  optional: readonly string[],
): Manifest {
  const known = FACTS.get(source) ?? describeFiles(executable, launcher, source);
  FACTS.set(source, known);
  const externals = EXTERNALS.map(({ name, version }) => ({
    name,
    version,
    optional: optional.includes(name),
    reason: "it loads a native file",
    imports: [name],
  }));
  return { ...structuredClone(known), externals };
}

function describeFiles(executable: string, launcher: string, source: string): Omit<Manifest, "externals"> {
  const modules: Record<string, Manifest["modules"][string]> = {};
  const native: { path: string; neededBy: string[] }[] = [];
  for (const [directory, neededBy] of Object.entries(NEEDED)) {
    const root = join(source, "node_modules", directory);
    const files: Record<string, FileEntry> = {};
    for (const file of readTreeFiles(root)) {
      if (PRUNED.test(file.path)) continue;
      files[file.path] = readTreeEntry(root, file);
      if (file.path.endsWith(".node"))
        native.push({ path: `${directory}/${file.path}`, neededBy: [...neededBy] });
    }
    const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      name: string;
      version: string;
    };
    modules[directory] = {
      name,
      version,
      digest: digestOfFiles(files),
      neededBy: [...neededBy],
      files,
    } as never;
  }
  return {
    schema: 1,
    name: BINARY,
    version: PACKAGE.version,
    binary: BINARY,
    target: TARGET,
    gantry: "0.1.0",
    runtime: { kind: "bun", version: "1.4.5" },
    executable: sizeAndDigest(executable),
    launcher: sizeAndDigest(launcher),
    install: "first-run",
    modules,
    native,
  };
}

function sizeAndDigest(path: string): Manifest["launcher"] {
  const [size, sha256] = readFileEntry(path);
  return { size, sha256 };
}

interface Watch {
  readonly started?: (pid: number) => void;
  /** Told what arrives on standard error, as it arrives. */
  readonly heard?: (text: string, pid: number) => void;
}

interface ProgramOptions extends Watch {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Runs a program to its end with nothing on its standard input. */
export function runProgram(file: string, args: readonly string[], options: ProgramOptions): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const text = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => (text.stdout += chunk));
    child.stderr.on("data", (chunk) => {
      text.stderr += chunk;
      options.heard?.(String(chunk), child.pid ?? 0);
    });
    child.once("error", reject);
    child.once("spawn", () => options.started?.(child.pid ?? 0));
    child.once("close", (code, signal) => resolve({ code, signal, ...text }));
  });
}

/** The code is the first word, its exit status is the table's, there is a way out, and no stack trace. */
export function expectRefusal(run: Run, code: ErrorCode, message: RegExp): void {
  expect(run.stderr).toMatch(new RegExp(`^gantry: ${code}: `, "m"));
  expect(run.stderr).toMatch(message);
  expect(run.stderr).toMatch(/^ {2}fix {3}\S/m);
  expect(run.stderr).not.toMatch(/^\s+at /m);
  expect(run).toMatchObject({ code: ERRORS[code].exit, stdout: "" });
}
