/** The tree and the bundle of the fixture's release, made by the system's tar and Bun's zstd. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { withBundleHead } from "../../../src/release/bundle-head.ts";
import { treeDigest, type Manifest } from "../../../src/release/manifest.ts";
import { readFileEntry, readTreeEntry, readTreeFiles, type FileEntry } from "../../../src/release/tree.ts";

export interface Bundle {
  readonly path: string;
  readonly entry: NonNullable<Manifest["bundle"]>;
}

interface BundleParts {
  readonly directory: string;
  /** Holds the installed node_modules. */
  readonly source: string;
  readonly bun: string;
  readonly modules: Manifest["modules"];
  readonly name: string;
  readonly version: string;
}

/** Nothing of it is gantry's own but the identity in front. */
export function makeBundle({ directory, source, bun, modules, name, version }: BundleParts): Bundle {
  const stage = join(directory, "stage");
  placeTree(stage, source, modules);
  const names = readTreeFiles(stage).map((file) => `${file.path}\n`);
  const tar = execFileSync("tar", ["--format=ustar", "-cf", "-", "-C", stage, "-T", "-"], {
    input: names.join(""),
    maxBuffer: 1 << 28,
  });
  const script =
    "process.stdout.write(require('node:zlib').zstdCompressSync(require('node:fs').readFileSync(0)))";
  const data = execFileSync(bun, ["-e", script], { input: tar, maxBuffer: 1 << 28 });
  const identity = { schema: 1, name, version, target: "linux-x64-gnu", tree: treeDigest(modules) } as const;
  const path = join(directory, "bundles", `${name}-v${version}-linux-x64.bundle.tar.zst`);
  mkdirSync(join(directory, "bundles"));
  writeFileSync(path, withBundleHead(identity, "zst", data));
  const [size, sha256] = readFileEntry(path);
  return { path, entry: { compression: "zst", size, sha256, unpacked: tar.length } };
}

/** Path, size, digest and mode of every file that an app could meet in a release. */
export function readTree(release: string): [path: string, entry: FileEntry][] {
  const modules = join(release, "node_modules");
  const files = readTreeFiles(modules).filter(({ path }) => !path.startsWith(".gantry/"));
  return files.map((file) => [file.path, readTreeEntry(modules, file)]);
}

/** Copies the modules' files out of an installed tree, with the modes that a prepared one has. */
export function placeTree(to: string, source: string, modules: Manifest["modules"]): void {
  for (const [directory, module] of Object.entries(modules)) {
    for (const [path, entry] of Object.entries(module.files)) {
      const file = join(to, directory, path);
      mkdirSync(dirname(file), { recursive: true });
      cpSync(join(source, "node_modules", directory, path), file);
      chmodSync(file, entry[2] === "x" ? 0o755 : 0o644);
    }
  }
}
