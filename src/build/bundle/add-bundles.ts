/**
 * `gantry bundle`: makes bundles for an existing release, and puts them into the release or into another directory.
 * Everything is made elsewhere first. The release itself changes only at the end, by a few renames, and SHA256SUMS is
 * written last.
 */
import { SELF } from "../../base/process/index.ts";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { GantryError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import {
  bundleName,
  compareListed,
  type Manifest,
  manifestTarget,
  NAMES,
  parseManifest,
  parseSums,
  parseTarget,
  releaseLayout,
  type ReleaseLayout,
  runsOn,
  signatureOf,
  type Sums,
  type Target,
  vendoredBundle,
} from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import { bunFetcher, findBun, type Bun } from "../app/index.ts";
import { formatSums, repackArchive, type Repacked } from "../pack/index.ts";
import { openRelease } from "../sign/index.ts";
import { writeDurably } from "../../base/files/index.ts";
import { makeBundleFor } from "./other-target.ts";
import { remakeOwnBundle } from "./reuse-or-remake.ts";
import type { PackedBundle } from "./pack.ts";
import { ensureOut, type Scratch } from "../scratch.ts";

export interface AddBundlesOptions {
  /** The release's directory. */
  readonly release: string;
  /** Target names. Empty means the release's own target. */
  readonly targets: readonly string[];
  /** Output directory for bundles that stay outside the release. */
  readonly out?: string | undefined;
  /** Path of a Bun to use instead of the release's own binary. */
  readonly bun?: string | undefined;
  /** This machine's target. */
  readonly host: Target;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  readonly log: Log;
}

export interface AddedBundles {
  /** Paths of the bundles. */
  readonly files: readonly string[];
  /** Paths of signatures that became invalid and were removed. */
  readonly removedSignatures: readonly string[];
  /** The archive beside the release, which was packed again. */
  readonly repacked: Repacked | undefined;
}

interface OpenRelease {
  readonly layout: ReleaseLayout;
  readonly manifest: Manifest;
  readonly sums: Sums;
}

/**
 * Makes the bundles and writes them to the release or to `out`.
 * @throws GantryError DIGEST_MISMATCH when the release is damaged, or when its own bundle has another digest than its
 *   manifest says; MODULE_UNAVAILABLE when a required module has no files for a target; USAGE when the release has no
 *   modules. The release is then unchanged
 */
export async function addBundles(options: AddBundlesOptions): Promise<AddedBundles> {
  const opened = readRelease(options.release);
  const own = manifestTarget(opened.manifest);
  const targets = options.targets.length === 0 ? [own] : [...new Set(options.targets.map(parseTarget))];
  const work = options.scratch.makePrivate();
  try {
    const bun = await findWorkingBun(opened, options, work);
    const made: PackedBundle[] = [];
    for (const target of targets) {
      options.log.info(`${target.name}: making the bundle`);
      const { environment, scratch } = options;
      const shared = { ...opened, bun, environment, scratch, work: join(work, target.name) };
      mkdirSync(shared.work);
      const packed =
        target === own
          ? await remakeOwnBundle(shared)
          : await makeBundleFor({ ...shared, target, log: options.log });
      if (packed === undefined) throw new GantryError(nothingToBundle(target, opened.layout.manifest));
      made.push(packed);
    }
    return options.out === undefined
      ? await vendorBundles(opened, made)
      : writeBundles(opened.manifest, made, options.out);
  } finally {
    options.scratch.remove(work);
  }
}

function nothingToBundle(target: Target, where: string) {
  const what = `the release has no modules for ${target.name}: there is nothing to bundle`;
  return { code: "USAGE", what, where, fix: "start it as it is" } as const;
}

/**
 * Opens a release and compares every file that SHA256SUMS lists with its digest. Files that a start has added are
 * ignored.
 * @throws GantryError RELEASE_FILE_MISSING, DIGEST_MISMATCH, MANIFEST_INVALID
 */
function readRelease(path: string): OpenRelease {
  const root = openRelease(path);
  const manifestFile = join(root, NAMES.manifest);
  const manifest = parseManifest(readFileSync(manifestFile, "utf8"), manifestFile);
  const sumsFile = join(root, NAMES.sums);
  const sums = parseSums(readFileSync(sumsFile, "utf8"), sumsFile);
  const [first, ...rest] = compareListed(root, sums, "unpack the release archive again, or build it again");
  if (first !== undefined) throw new GantryError(first, ...rest);
  return { layout: releaseLayout(root, manifest), manifest, sums };
}

/**
 * Finds the Bun that installs modules and compresses: the named one; else the release's own binary, when this machine
 * can run it; else one that is found or fetched.
 * @throws GantryError CONFIG_INVALID
 */
async function findWorkingBun(
  { layout, manifest }: OpenRelease,
  options: AddBundlesOptions,
  work: string,
): Promise<Bun> {
  const { bun, environment, host, log } = options;
  const usable = manifest.runtime.kind === "bun" && runsOn(manifestTarget(manifest), host);
  if (bun === undefined && usable) {
    const { version } = manifest.runtime;
    return { path: layout.executable, version, revision: version };
  }
  const { kind: runtime } = manifest.runtime;
  const fetching = { directory: join(work, "bun"), host, environment, log };
  const fetch =
    runtime === "node" ? bunFetcher({ settings: { runtime }, packageJson: {} }, fetching) : undefined;
  return await findBun({ dir: layout.root }, { named: bun, environment, runtime, fetch });
}

/**
 * Puts the bundles into the release, then removes the signatures that became invalid, writes SHA256SUMS, and packs the
 * archive beside the release again.
 */
async function vendorBundles(
  { layout, sums }: OpenRelease,
  made: readonly PackedBundle[],
): Promise<AddedBundles> {
  const all = new Map(sums);
  const changed: { readonly packed: PackedBundle; readonly path: string }[] = [];
  for (const packed of made) {
    const path = vendoredBundle(packed.target, packed.description.compression);
    if (all.get(path) !== packed.description.sha256) changed.push({ packed, path });
    all.set(path, packed.description.sha256);
  }
  const files = made.map(({ target, description }) =>
    join(layout.root, vendoredBundle(target, description.compression)),
  );
  if (changed.length === 0) return { files, removedSignatures: [], repacked: undefined };
  const drafts = changed.map(({ packed, path }) => draftOf(packed.file, join(layout.root, path)));
  const outdated = [NAMES.signature, ...changed.map(({ path }) => signatureOf(path))];
  const removedSignatures = outdated
    .map((path) => join(layout.root, path))
    .filter((path) => existsSync(path));
  try {
    for (const { draft, file } of drafts) renameSync(draft, file);
    for (const path of removedSignatures) rmSync(path);
    await writeDurably(layout.sums, formatSums(all), 0o644);
  } finally {
    for (const { draft } of drafts) rmSync(draft, { force: true });
  }
  return { files, removedSignatures, repacked: await repackArchive(layout.root) };
}

interface Draft {
  readonly draft: string;
  readonly file: string;
}

/** Copies a bundle into the directory of its final path, so that only a rename is left to do. */
function draftOf(from: string, file: string): Draft {
  const draft = join(dirname(file), `.${basename(file)}-${SELF.pid}`);
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(from, draft);
  return { draft, file };
}

function writeBundles(manifest: Manifest, made: readonly PackedBundle[], out: string): AddedBundles {
  ensureOut(out);
  const drafts = made.map(({ file, target, description }) =>
    draftOf(file, join(out, bundleName(manifest.name, manifest.version, target, description.compression))),
  );
  for (const { draft, file } of drafts) renameSync(draft, file);
  return { files: drafts.map(({ file }) => file), removedSignatures: [], repacked: undefined };
}
