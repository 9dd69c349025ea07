/**
 * `gantry docker`: writes the files from which an image of a release is built. The output directory is the whole build
 * context: the release lies below it, or is copied into it. A file that gantry did not write is never replaced.
 */
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { groupUnlisted, NAMES, parseSums, readTreeFiles } from "../../release/index.ts";
import { writeDurably } from "../../base/files/index.ts";
import { findRelease, type FoundRelease } from "./find.ts";
import { imageTag, MARK, renderImage } from "./render.ts";
import type { Digests } from "./pin.ts";
import { checkStrategy, chooseBases, pinBases, type Strategy } from "./strategy.ts";
import { ensureOut, type Scratch } from "../scratch.ts";

export interface DockerOptions {
  /** A release's directory, or the directory of an app with built releases. */
  readonly path: string;
  readonly strategy: Strategy;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  /** The build context; the release's parent directory when left out. */
  readonly out?: string | undefined;
  /** The base image's name, with a tag or a digest, instead of the proposed one. */
  readonly base?: string | undefined;
  /** Digests of the base images, from readBaseDigests. */
  readonly digests?: Digests | undefined;
  readonly compose: "with compose" | "without compose";
}

/** What `writeImageFiles` wrote. */
export interface WrittenImage {
  /** Path of the build context, absolute. */
  readonly context: string;
  /** Paths of the written files, absolute. */
  readonly files: readonly string[];
  /** The image's name: `NAME:VERSION`. */
  readonly tag: string;
  readonly base: string;
  /** Approximate compressed size of the base in millions of bytes. Undefined when the user named the base. */
  readonly baseMegabytes: number | undefined;
  readonly pinned: boolean;
}

/**
 * Writes the files of an image, and copies the release into the build context when it lies elsewhere.
 * @throws GantryError USAGE, BUNDLE_MISSING, MANIFEST_INVALID, before anything is written
 */
export async function writeImageFiles(options: DockerOptions): Promise<WrittenImage> {
  const found = findRelease(options.path);
  checkStrategy(options.strategy, found);
  const bases = pinBases(
    chooseBases(options.strategy, found.manifest, options.base),
    options.digests ?? new Map(),
  );
  const context = realPath(resolve(options.out ?? dirname(found.root)));
  checkContext(context, found);
  const { strategy, compose } = options;
  const inside = pathBelow(context, found.root);
  const release = inside ?? placeOf(found, strategy);
  const texts = renderImage({ strategy, manifest: found.manifest, bases, release, compose });
  const foreign = foreignTexts(context, Object.keys(texts));
  if (inside === undefined) foreign.push(...foreignFiles(join(context, release), found));
  checkReplaceable(context, foreign);
  ensureOut(context);
  if (inside === undefined) copyInto(found, join(context, release), options.scratch);
  for (const [name, text] of Object.entries(texts)) await writeDurably(join(context, name), text, 0o644);
  return {
    context,
    files: Object.keys(texts).map((name) => join(context, name)),
    tag: imageTag(found.manifest),
    base: bases.base.image,
    baseMegabytes: bases.base.megabytes === 0 ? undefined : bases.base.megabytes,
    pinned: bases.digest !== undefined,
  };
}

/**
 * Path of the release in a build context into which it is copied. Home Assistant takes every config.json or config.yaml
 * below an add-on for another add-on, but not below a rootfs/.
 */
function placeOf({ root }: FoundRelease, strategy: Strategy): string {
  return strategy === "node-alpine" ? `rootfs/${basename(root)}` : basename(root);
}

/** The path relative to a directory, with forward slashes. Undefined when the path does not lie below the directory. */
function pathBelow(directory: string, path: string): string | undefined {
  const below = relative(directory, path);
  if (below === "" || below === ".." || below.startsWith(`..${sep}`)) return undefined;
  return below.split(sep).join("/");
}

/** Refuses a context inside the release, because SHA256SUMS would not list the new files. */
function checkContext(context: string, { root }: FoundRelease): void {
  if (context !== root && pathBelow(root, context) === undefined) return;
  throw new GantryError({
    code: "USAGE",
    what: "the files of an image cannot lie in the release: gantry verify would find files that were not released",
    where: context,
    fix: "leave --out away, or name a directory outside the release",
  });
}

/** Resolves the links in a path. The file itself may not exist yet, but a directory above it may be a link. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPath(parent), basename(path));
}

/**
 * Refuses to replace files that gantry docker did not write.
 * @throws GantryError USAGE that names every such file
 */
function checkReplaceable(context: string, foreign: readonly string[]): void {
  const fix = "name another directory with --out, or move the file away";
  const [first, ...rest] = foreign.map((where): Finding => {
    return {
      code: "USAGE",
      what: `${relative(context, where)} was not written by gantry docker`,
      where,
      fix,
    };
  });
  if (first !== undefined) throw new GantryError(first, ...rest);
}

function foreignTexts(context: string, names: readonly string[]): string[] {
  const there = names.map((name) => join(context, name)).filter((path) => existsSync(path));
  return there.filter((path) => {
    if (!statSync(path).isFile()) return true;
    const [line = ""] = readFileSync(path, "utf8").split("\n", 1);
    return !MARK.test(line);
  });
}

/**
 * Finds files at the place of the release's copy that are not files of a release: settings, installed modules, or the
 * user's own files.
 */
function foreignFiles(place: string, { root }: FoundRelease): string[] {
  if (!existsSync(place)) return [];
  if (!statSync(place).isDirectory()) return [place];
  const sums = join(place, NAMES.sums);
  const listed = existsSync(sums) ? parseSums(readFileSync(sums, "utf8"), sums).keys() : [];
  const own = new Set<string>([...listed, NAMES.sums, NAMES.signature, ...releasedFiles(root)]);
  const there = readTreeFiles(place).map(({ path }) => path);
  const foreign = there.filter((path) => !own.has(path));
  return groupUnlisted(foreign, own).map(({ path }) => join(place, path));
}

/** The release's files, without node_modules, which a start makes, and without .env, which holds settings. */
function releasedFiles(root: string): string[] {
  const all = readTreeFiles(root).map(({ path }) => path);
  return all.filter((path) => !path.startsWith(`${NAMES.modules}/`) && path !== NAMES.env);
}

/**
 * Copies the release into the build context and replaces the copy of an earlier run. The files are hard links where the
 * file system supports that.
 */
function copyInto({ root }: FoundRelease, to: string, scratch: Scratch): void {
  mkdirSync(dirname(to), { recursive: true });
  const work = scratch.makeBeside(dirname(to));
  const fresh = join(work, "new");
  try {
    for (const path of releasedFiles(root)) {
      mkdirSync(dirname(join(fresh, path)), { recursive: true });
      linkOrCopy(join(root, path), join(fresh, path));
    }
    if (existsSync(to)) renameSync(to, join(work, "old"));
    renameSync(fresh, to);
  } finally {
    scratch.remove(work);
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to, { preserveTimestamps: true });
  }
}
