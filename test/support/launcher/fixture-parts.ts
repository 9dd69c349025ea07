/** What all releases of the launcher's fixture are made of: the compiled app, the launcher, the modules, the bundle. */
import { execFileSync } from "node:child_process";
import { cpSync, linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Manifest } from "../../../src/release/manifest.ts";
import {
  digestOfFiles,
  readFileEntry,
  readTreeEntry,
  readTreeFiles,
  type FileEntry,
} from "../../../src/release/tree.ts";
import { startRegistry } from "../modules/registry.ts";
import { makeBundle, type Bundle } from "./fixture-bundle.ts";
import { bareEnvironment, runProgram } from "./run-program.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
/** GANTRY_TEST_BUN names another Bun to run all of this with, such as the oldest that gantry supports. */
const BUN = process.env["GANTRY_TEST_BUN"] ?? join(repository, "node_modules/bun/bin/bun.exe");
export const BINARY = "tiny";

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

export const TARGET = "linux-x64-gnu";
const PACKAGE = {
  name: BINARY,
  version: "1.2.3",
  private: true,
  dependencies: { "@node-rs/crc32": "1.10.6", bcrypt: "6.0.0" },
};
export const EXTERNALS = Object.entries(PACKAGE.dependencies).map(([name, version]) => ({ name, version }));
/** Which external needs which directory of the tree; the rest of what is installed is not part of the release. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  "@node-rs/crc32": ["@node-rs/crc32"],
  "@node-rs/crc32-linux-x64-gnu": ["@node-rs/crc32"],
  bcrypt: ["bcrypt"],
  "node-gyp-build": ["bcrypt"],
};
/** What a build would prune: types, notes, and native files that are not for the target. */
const PRUNED = /\.(?:d\.ts|md|map)$|(?:^|\/)(?:test|examples|src)\/|prebuilds\/(?!linux-x64\/)|\.musl\.node$/;

export interface Parts {
  readonly executable: string;
  readonly launcher: string;
  /** Holds the installed node_modules. */
  readonly source: string;
  readonly bundle: Bundle;
  readonly facts: Facts;
}

/** Of the manifest, what is the same in every release that is made here. */
type Facts = Omit<Manifest, "externals">;

const SHARED = new Map<string, Promise<Parts>>();

/** Makes the parts once in a process, in a directory of the process's own below `parent`. */
export function shareParts(parent: string): Promise<Parts> {
  const known = SHARED.get(parent);
  if (known !== undefined) return known;
  const directory = join(parent, String(process.pid));
  mkdirSync(directory);
  const made = makeParts(directory);
  SHARED.set(parent, made);
  return made;
}

/** The executable is a hard link: whoever changes it removes it first. */
export function copyParts(parts: Parts, directory: string): Parts {
  const { bundles, ...at } = pathsIn(directory);
  mkdirSync(bundles);
  linkSync(parts.executable, at.executable);
  cpSync(parts.launcher, at.launcher);
  cpSync(parts.source, at.source, { recursive: true });
  const path = join(bundles, basename(parts.bundle.path));
  cpSync(parts.bundle.path, path);
  return { ...parts, ...at, bundle: { ...parts.bundle, path } };
}

const pathsIn = (directory: string) => ({
  executable: join(directory, BINARY),
  launcher: join(directory, "launcher.mjs"),
  source: join(directory, "source"),
  bundles: join(directory, "bundles"),
});

export async function makeParts(directory: string): Promise<Parts> {
  const { executable, launcher, source } = pathsIn(directory);
  writeFileSync(join(directory, "app.ts"), APP);
  execFileSync(
    BUN,
    ["build", "--compile", "--compile-autoload-package-json", "--minify", "app.ts", "--outfile", BINARY],
    {
      cwd: directory,
      stdio: "pipe",
    },
  );
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
  await installSource(directory, source);
  const facts = describeFiles(executable, launcher, source);
  const names = { name: BINARY, version: PACKAGE.version };
  const bundle = makeBundle({ directory, source, bun: BUN, modules: facts.modules, ...names });
  return { executable, launcher, source, bundle, facts };
}

async function installSource(directory: string, source: string): Promise<void> {
  const registry = await startRegistry();
  try {
    mkdirSync(source);
    writeFileSync(join(source, "package.json"), JSON.stringify(PACKAGE));
    const common = [`--registry=${registry.url}`, `--cache-dir=${join(directory, "cache")}`];
    const args = ["install", "--config=/dev/null", "--ignore-scripts", "--backend=copyfile", ...common];
    const { code, stderr } = await runProgram(BUN, args, { cwd: source, environment: bareEnvironment() });
    if (code !== 0) throw new Error(stderr);
  } finally {
    await registry.close();
  }
  const lock = join(source, "bun.lock");
  // The registry's address is not part of a release's lock.
  writeFileSync(lock, readFileSync(lock, "utf8").replace(/"http:\/\/127\.0\.0\.1[^"]*"/g, '""'));
}

function describeFiles(executable: string, launcher: string, source: string): Facts {
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
