/**
 * `gantry docker`: writes what an image of a release is built from. The directory that it writes to is the whole build
 * context: the release lies below it, or is put there. A file that somebody else wrote is never replaced.
 */
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { GantryError, type Finding } from "../../errors.ts";
import { NAMES } from "../../release/layout.ts";
import { readTreeFiles } from "../../release/tree.ts";
import { replaceFile } from "../write-file.ts";
import { findRelease, type FoundRelease } from "./find.ts";
import { imageTag, MARK, renderImage } from "./render.ts";
import type { Digests } from "./pin.ts";
import { checkStrategy, chooseBases, pinBases, type Strategy } from "./strategy.ts";

export interface DockerOptions {
  /** A release's directory, or the directory of an app with built releases. */
  readonly path: string;
  readonly strategy: Strategy;
  /** The build context; the release's parent directory when left out. */
  readonly out?: string | undefined;
  /** An image's name, with a tag or a digest, instead of the one that suits the release. */
  readonly base?: string | undefined;
  /** What the tags of bases stand for, as readBaseDigests found out. */
  readonly digests?: Digests | undefined;
  readonly compose: "with compose" | "without compose";
}

export interface WrittenImage {
  /** The build context, absolute. */
  readonly context: string;
  /** Absolute. */
  readonly files: readonly string[];
  /** `NAME:VERSION`. */
  readonly tag: string;
  readonly base: string;
  /** Millions of compressed bytes of the base, about; undefined when it was named. */
  readonly baseMegabytes: number | undefined;
  readonly pinned: boolean;
}

/**
 * @throws GantryError USAGE, BUNDLE_MISSING, MANIFEST_INVALID; nothing is written then
 */
export function writeImageFiles(options: DockerOptions): WrittenImage {
  const found = findRelease(options.path);
  checkStrategy(options.strategy, found);
  const bases = pinBases(
    chooseBases(options.strategy, found.manifest, options.base),
    options.digests ?? new Map(),
  );
  const context = resolve(options.out ?? dirname(found.root));
  checkContext(context, found);
  const { strategy, compose } = options;
  const inside = pathBelow(context, found.root);
  const release = inside ?? placeOf(found, strategy);
  const texts = renderImage({ strategy, manifest: found.manifest, bases, release, compose });
  checkReplaceable(context, Object.keys(texts));
  mkdirSync(context, { recursive: true });
  if (inside === undefined) placeRelease(found, join(context, release));
  for (const [name, text] of Object.entries(texts)) replaceFile(join(context, name), text);
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
 * Where the release goes in a context that does not hold it. Home Assistant takes every config.json or config.yaml below
 * an add-on for another add-on, but not below a rootfs/.
 */
function placeOf({ root }: FoundRelease, strategy: Strategy): string {
  return strategy === "node-alpine" ? `rootfs/${basename(root)}` : basename(root);
}

/** With forward slashes; undefined when it is not below the directory. */
function pathBelow(directory: string, path: string): string | undefined {
  const below = relative(directory, path);
  if (below === "" || below === ".." || below.startsWith(`..${sep}`)) return undefined;
  return below.split(sep).join("/");
}

/** A file beside those of the release would not be in its SHA256SUMS. */
function checkContext(context: string, { root }: FoundRelease): void {
  if (context !== root && pathBelow(root, context) === undefined) return;
  throw new GantryError({
    code: "USAGE",
    what: "the files of an image cannot lie in the release: gantry verify would find files that were not released",
    where: context,
    fix: "leave --out away, or name a directory outside the release",
  });
}

/** @throws GantryError USAGE that names every file which gantry did not write */
function checkReplaceable(context: string, names: readonly string[]): void {
  const findings = names.flatMap((name): Finding[] => {
    const where = join(context, name);
    if (!existsSync(where)) return [];
    const [line = ""] = readFileSync(where, "utf8").split("\n", 1);
    if (MARK.test(line)) return [];
    const fix = "name another directory with --out, or move the file away";
    return [{ code: "USAGE", what: `${name} was not written by gantry docker`, where, fix }];
  });
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/**
 * Brings the release into the context: what an earlier run put there goes. Its files are links to the same bytes where
 * the file system can do that. What a start made in it (node_modules) stays behind.
 */
function placeRelease({ root }: FoundRelease, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  const work = mkdtempSync(`${to}.new-`);
  try {
    for (const { path } of readTreeFiles(root)) {
      if (path.startsWith(`${NAMES.modules}/`) || path === NAMES.env) continue;
      mkdirSync(dirname(join(work, path)), { recursive: true });
      linkOrCopy(join(root, path), join(work, path));
    }
    if (existsSync(to)) renameSync(to, `${work}.old`);
    renameSync(work, to);
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(`${work}.old`, { recursive: true, force: true });
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to, { preserveTimestamps: true });
  }
}
