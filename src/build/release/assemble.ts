/**
 * Puts a release together on disk: adds scripts, texts, manifest, extra files and SHA256SUMS. The program, package.json
 * and bun.lock are in the release's directory already.
 */
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { GantryError } from "../../base/errors.ts";
import {
  formatManifest,
  type Manifest,
  NAMES,
  programPath,
  readFileEntry,
  readTreeFiles,
  releaseId,
  releaseLayout,
  vendoredBundle,
} from "../../release/index.ts";
import type { Asset } from "../graph/index.ts";
import type { PackedBundle } from "../bundle/index.ts";
import { proveFile, type ProvenFile } from "./program-checksums.ts";
import { makeSums } from "../pack/index.ts";
import { renderStubs } from "./stub.ts";
import { renderUnits } from "./render-units.ts";
import { readEnvExample, renderReadme } from "./readme-and-env.ts";

export interface ReleaseParts {
  readonly root: string;
  /** Directory of the app's own files (.env.example, include). */
  readonly appDir: string;
  readonly include: readonly string[];
  /** Files for lib/assets. */
  readonly assets: readonly Asset[];
  /** Bundles that the release carries. */
  readonly vendored: readonly PackedBundle[];
  /** `name-vVERSION`. */
  readonly base: string;
  /** The manifest without the entries for files that are measured here. */
  readonly manifest: Omit<Manifest, "executable" | "launcher">;
}

/**
 * Paths of the launcher's files, which are built with gantry: launcher.mjs and the files that it loads at once or for a
 * command. They are in dist/, whether gantry runs from its compiled modules or from its sources.
 * @throws GantryError INTERNAL when the launcher was not built
 */
function launcherFiles(): readonly string[] {
  const places = ["../../", "../../../dist/"].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const name = basename(NAMES.launcher);
  const found = places.find((directory) => existsSync(join(directory, name)));
  if (found !== undefined) {
    return readdirSync(found).flatMap((file) => (file.endsWith(".mjs") ? [join(found, file)] : []));
  }
  throw new GantryError({
    code: "INTERNAL",
    what: "the launcher bundle is not there",
    where: join(places[0] ?? "", name),
    fix: "install gantry again, or run npm run build in its clone",
  });
}

/** Writes all remaining files of the release, and SHA256SUMS last. */
export function assembleRelease(parts: ReleaseParts): Manifest {
  const layout = releaseLayout(parts.root, parts.manifest);
  const program = programPath(parts.manifest);
  mkdirSync(layout.lib, { recursive: true });
  const launcher = launcherFiles();
  for (const file of launcher) copyFileSync(file, join(layout.lib, basename(file)));
  const manifest: Manifest = {
    ...parts.manifest,
    ...(program === undefined ? {} : { executable: describeFile(layout.executable) }),
    launcher: describeFile(layout.launcher),
  };
  copyVendored(parts);
  for (const [path, unit] of Object.entries(renderUnits(manifest, parts.base))) {
    mkdirSync(dirname(join(parts.root, path)), { recursive: true });
    writeFileSync(join(parts.root, path), unit);
  }
  for (const { path, place } of parts.assets) {
    const to = join(parts.root, NAMES.assets, place);
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(path, to);
  }
  copyIncluded(parts);
  const text = formatManifest(manifest);
  writeFileSync(layout.manifest, text);
  writeFileSync(layout.readme, renderReadme(manifest));
  writeFileSync(layout.envExample, readEnvExample(parts.appDir, manifest.name));
  const stubs = renderStubs({
    manifest,
    base: parts.base,
    releaseId: releaseId(text),
    launcher: launcher.map((file) => basename(file)),
    proven: provenFiles(parts, launcher),
  });
  for (const [path, script] of Object.entries(stubs)) writeFileSync(join(parts.root, path), script);
  const programs = new Set([...Object.keys(stubs), ...(program === undefined ? [] : [program])]);
  for (const { path, kind } of readTreeFiles(parts.root)) {
    if (kind === "file") chmodSync(join(parts.root, path), programs.has(path) ? 0o755 : 0o644);
  }
  writeFileSync(layout.sums, makeSums(parts.root), { mode: 0o644 });
  return manifest;
}

/** Checksums of the program and the launcher. The release's scripts compare them before these files run. */
function provenFiles({ root, manifest }: ReleaseParts, launcher: readonly string[]): ProvenFile[] {
  const program = programPath(manifest);
  const scripts = launcher.map((file) => `${NAMES.lib}/${basename(file)}`);
  return [...(program === undefined ? [] : [program]), ...scripts].map((path) => proveFile(root, path));
}

function describeFile(path: string): Manifest["launcher"] {
  const [size, sha256] = readFileEntry(path);
  return { size, sha256 };
}

function copyVendored({ root, vendored }: ReleaseParts): void {
  for (const { file, target, description } of vendored) {
    const to = join(root, vendoredBundle(target, description.compression));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(file, to);
  }
}

/**
 * Copies the app's extra files.
 * @throws GantryError CONFIG_INVALID when one would replace a file of the release
 */
function copyIncluded({ appDir, include, root }: ReleaseParts): void {
  for (const path of include) {
    const to = join(root, path);
    if (existsSync(to)) {
      throw new GantryError({
        code: "CONFIG_INVALID",
        what: `"gantry.include" names ${path}, which every release has`,
        where: join(appDir, "package.json"),
        fix: "rename the file",
      });
    }
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(appDir, path), to, { recursive: true, dereference: true });
  }
}
