/**
 * Makes the bundle that a release names in its manifest, byte for byte. It takes the bundle that the release carries.
 * Without one, it packs the release's prepared modules when they are complete and unchanged. Otherwise it installs the
 * modules from the release's lockfile and packs those.
 */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { errorCode, GantryError, type Finding } from "../../base/errors.ts";
import {
  bundleCompression,
  type Manifest,
  manifestTarget,
  NAMES,
  readFileEntry,
  type ReleaseBundle,
  type ReleaseLayout,
  treeDigest,
  vendoredBundle,
} from "../../release/index.ts";
import { installFrozen } from "../../runtime/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { Bun } from "../app/index.ts";
import { packBundle, type PackedBundle } from "./pack.ts";
import type { Scratch } from "../scratch.ts";

export interface RemakeOptions {
  readonly layout: ReleaseLayout;
  readonly manifest: Manifest;
  readonly bun: Bun;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  /** A private directory, in which the bundle is left. */
  readonly work: string;
}

/**
 * Returns the bundle of a release's own target. Undefined when the release has no modules.
 * @throws GantryError DIGEST_MISMATCH when the bundle's digest is not the one in the manifest; MODULE_UNAVAILABLE when
 *   an install script made some of its files; the errors of installFrozen
 */
export async function remakeOwnBundle(options: RemakeOptions): Promise<PackedBundle | undefined> {
  const { layout, manifest, bun, environment, scratch, work } = options;
  if (Object.keys(manifest.modules).length === 0) return undefined;
  const packing = (directory: string, name: string): Promise<PackedBundle | undefined> =>
    packBundle({
      name: manifest.name,
      version: manifest.version,
      target: manifestTarget(manifest),
      modules: manifest.modules,
      directory,
      compression: bundleCompression(manifest),
      compressor: { executable: bun.path, environment, scratch },
      file: join(work, name),
    });
  const carried = readCarried(layout, manifest);
  if (carried !== undefined) return carried;
  const prepared = existsSync(layout.modules)
    ? await packing(layout.modules, "prepared").catch(asIncomplete)
    : undefined;
  if (prepared === undefined) refuseMade(layout, manifest);
  const packed = prepared ?? (await packing(await installModules(options), "installed"));
  if (packed !== undefined) refuseOther(packed.description, options);
  return packed;
}

function readCarried(layout: ReleaseLayout, manifest: Manifest): PackedBundle | undefined {
  const { bundle: description } = manifest;
  if (description === undefined) return undefined;
  const target = manifestTarget(manifest);
  const file = join(layout.root, vendoredBundle(target, description.compression));
  if (!existsSync(file) || readFileEntry(file)[1] !== description.sha256) return undefined;
  return { file, target, tree: treeDigest(manifest.modules), description };
}

/**
 * Turns the error of a prepared tree that lacks modules or was changed into `undefined`. The modules are then installed
 * from the lockfile.
 */
function asIncomplete(error: unknown): undefined {
  if (error instanceof GantryError && error.findings[0].code === "DIGEST_MISMATCH") return undefined;
  if (errorCode(error) === "ENOENT") return undefined;
  throw error;
}

/**
 * Refuses modules with files that an install script made. Scripts run only at a build, so such files exist only in the
 * bundle of that build.
 * @throws GantryError MODULE_UNAVAILABLE
 */
function refuseMade(layout: ReleaseLayout, manifest: Manifest): void {
  const made = Object.entries(manifest.modules).filter(([, module]) => module.source === "bundle");
  const [first, ...rest] = made.map(([directory, { name }]): Finding => ({
    code: "MODULE_UNAVAILABLE",
    what: `an install script made files of ${name} when the release was built: no registry serves them`,
    where: join(layout.modules, directory),
    fix: "take the bundle of that build, prepare the release from it first, or build again with --vendor",
  }));
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/**
 * Installs the modules from the release's own lockfile. The node_modules has more files than the manifest lists.
 * Packing takes only the listed ones.
 */
async function installModules({ layout, manifest, bun, environment, work }: RemakeOptions): Promise<string> {
  const directory = join(work, "tree");
  mkdirSync(directory);
  copyFileSync(layout.packageJson, join(directory, NAMES.packageJson));
  copyFileSync(layout.lockfile, join(directory, NAMES.lockfile));
  await installFrozen({
    executable: bun.path,
    directory,
    cache: join(work, "cache"),
    target: manifestTarget(manifest),
    environment,
  });
  return join(directory, NAMES.modules);
}

function refuseOther(made: ReleaseBundle, { layout, manifest, bun }: RemakeOptions): void {
  const { bundle, runtime } = manifest;
  if (bundle?.sha256 === made.sha256) return;
  throw new GantryError({
    code: "DIGEST_MISMATCH",
    what: "the bundle that was made is not the one that the release names",
    where: layout.manifest,
    detail: [
      `the release says ${bundle?.sha256 ?? "nothing of a bundle"}, ${bundle?.size ?? 0} bytes`,
      `made here was    ${made.sha256}, ${made.size} bytes`,
    ],
    fix:
      bun.version === runtime.version
        ? "build the release again with --vendor"
        : `name Bun ${runtime.version} with --bun PATH: this one is ${bun.version}, and other versions compress differently`,
  });
}
