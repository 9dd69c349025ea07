/**
 * Real packages, as their registry serves them: no file that the judgement of foreign files calls foreign loads in this
 * Node, and a package that loads with all of its files loads with those that a release has.
 * `node scripts/test.mjs --whole` runs all of the table.
 */
import { spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { captureTree, type ClosurePackage } from "../../src/build/tree/capture.ts";
import { foreignTo } from "../../src/compat/foreign/foreign-file.ts";
import { withNativeFile } from "../../src/host/file-source.ts";
import { readTreeFiles } from "../../src/release/tree.ts";
import { targetOfHost } from "../../src/release/targets.ts";
import { readOwnLibc } from "../../src/base/process/self.ts";
import { makeDirectory } from "../support/build/scratch.ts";
import { partOf } from "../support/wide-table.ts";

type NameAndVersion = readonly [name: string, version: string];

const PACKAGES: readonly NameAndVersion[] = [
  ["@datadog/pprof", "5.20.0"],
  ["@napi-rs/canvas", "1.1.1"],
  ["@parcel/watcher", "2.6.0"],
  ["argon2", "0.45.1"],
  ["bcrypt", "6.0.0"],
  ["better-sqlite3", "12.11.1"],
  ["bufferutil", "4.1.0"],
  ["classic-level", "3.0.0"],
  ["farmhash", "5.0.1"],
  ["isolated-vm", "7.0.1"],
  ["koffi", "3.3.4"],
  ["leveldown", "6.1.1"],
  ["libsql", "0.5.29"],
  ["lmdb", "3.5.6"],
  ["msgpackr-extract", "3.0.7"],
  ["node-hid", "3.4.0"],
  ["rocksdb", "5.2.1"],
  ["serialport", "13.0.0"],
  ["sharp", "0.35.5"],
  ["snappy", "7.4.3"],
  ["sodium-native", "5.1.0"],
  ["tree-sitter", "0.25.1"],
  ["usb", "2.14.0"],
  ["usb", "3.1.0"],
  ["utf-8-validate", "6.0.6"],
];
/** Of 50 MB and more. */
const LARGE: readonly NameAndVersion[] = [
  ["@duckdb/node-api", "1.5.6-r.1"],
  ["@huggingface/transformers", "4.3.1"],
  ["@lancedb/lancedb", "0.31.0"],
  ["dd-trace", "6.21.0"],
  ["fastembed", "2.1.0"],
  ["node-llama-cpp", "3.21.1"],
  ["node-pty", "1.1.0"],
  ["onnxruntime-node", "1.17.3"],
  ["onnxruntime-node", "1.30.0"],
  ["zeromq", "6.8.0"],
];

const BUN = fileURLToPath(new URL("../../node_modules/bun/bin/bun.exe", import.meta.url));
const TARGET = targetOfHost(process.platform, process.arch, readOwnLibc());
const PLACE = { ...TARGET, runtime: { kind: "node", abi: Number(process.versions.modules) } } as const;

function install(name: string, version: string): string {
  const directory = makeDirectory();
  writeFileSync(
    join(directory, "package.json"),
    JSON.stringify({ private: true, dependencies: { [name]: version } }),
  );
  const done = spawnSync(BUN, ["install", "--ignore-scripts", "--no-progress", "--backend=copyfile"], {
    cwd: directory,
    encoding: "utf8",
  });
  expect(done.stderr + done.stdout).not.toMatch(/error:/);
  return join(directory, "node_modules");
}

/** The packages of a node_modules, by their package.json. */
function packagesOf(modules: string, name: string): ClosurePackage[] {
  const paths = readTreeFiles(modules).map(({ path }) => path);
  return paths
    .filter((path) => /^(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+\/package\.json$/.test(path))
    .map((path) => dirname(path))
    .map((path) => ({ path, name: path, version: "0.0.0", neededBy: [name] }));
}

/** What this Node says when it imports the package: an empty text when it loads. */
function importing(modules: string, name: string): string {
  const code = `import(${JSON.stringify(name)}).then(() => process.exit(0), (error) => { console.log(error.code ?? error.name); process.exit(1); })`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    cwd: dirname(modules),
    encoding: "utf8",
    timeout: 60_000,
  });
  return done.status === 0 ? "" : `${done.signal ?? ""}${done.stdout}`;
}

/** Those of some files that this Node loads as addons. */
function loadable(modules: string, paths: readonly string[]): unknown {
  const code = `const { paths, modules } = JSON.parse(process.argv[1]);
    const loads = (path) => { try { process.dlopen({ exports: {} }, modules + "/" + path); return true; } catch { return false; } };
    console.log(JSON.stringify(paths.filter(loads)));`;
  const done = spawnSync(process.execPath, ["-e", code, JSON.stringify({ modules, paths })], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return done.status === 0 ? JSON.parse(done.stdout) : `${done.signal} ${done.stderr}`;
}

/** The addons that are foreign by their contents. Names alone say of others that no loader chooses them. */
function foreignByHead(modules: string): string[] {
  return readTreeFiles(modules)
    .filter(({ path, kind }) => kind === "file" && /\.(?:node|bare)$/.test(path))
    .map(({ path }) => path)
    .filter((path) =>
      withNativeFile(join(modules, path), (file) => foreignTo("a.node", file, PLACE) !== undefined),
    );
}

describe.each([
  ...partOf("packages with foreign files", PACKAGES, 1),
  ...partOf("large packages with foreign files", LARGE, 0),
])("%s %s", (name, version) => {
  it("loses nothing that it loads, and nothing foreign loads", { timeout: 600_000 }, () => {
    const whole = install(name, version);
    expect(loadable(whole, foreignByHead(whole))).toEqual([]);

    const pruned = join(makeDirectory(), "node_modules");
    cpSync(whole, pruned, { recursive: true, verbatimSymlinks: true });
    const { native } = captureTree(pruned, packagesOf(pruned, name), PLACE);
    const left = new Set(readTreeFiles(pruned).map(({ path }) => path));
    for (const { path } of native) expect(left).toContain(path);
    expect(importing(pruned, name)).toBe(importing(whole, name));
  });
});
