/**
 * Makes a generation from an archive or a directory. The release is copied into a private work directory in releases/
 * and checked (signature, sums, target). Its own launcher then prepares it. At the end it is written to the disk and
 * gets its final name by a rename, so every directory with a generation's name is complete.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../../base/errors.ts";
import { ensureDirectory, syncPath, syncTree } from "../../base/files/index.ts";
import { compareWithSums, NAMES, parseSums } from "../../release/index.ts";
import { printable } from "../../base/text.ts";
import { checkCandidate, readCandidate, type Candidate } from "./candidate.ts";
import type { ServiceContext } from "../service-context.ts";
import { readGenerations } from "./generations.ts";
import { MOST_BYTES } from "./import/limits.ts";
import { copyRelease, type Imported } from "./import/copy-release.ts";
import { nameOf, takeArchive, type ArchiveSource, type Source } from "./import/release-source.ts";
import { prepareRelease } from "./prepare-release.ts";
import { unsigned, type Trust } from "../keys/trust.ts";

export interface ImportedGeneration {
  readonly candidate: Candidate;
  /** False when this release was a generation already. */
  readonly created: boolean;
}

/** An archive with more entries is refused as a decompression bomb. */
const MOST_ENTRIES = 200_000;
const TAKE_AGAIN = "take it from its publisher again";

/**
 * Makes a generation, unless this release is one already. Such a generation is checked and prepared again.
 * @param announce called with the generation's name and `false` as soon as the name is known, and with `true` before a
 *   new generation is renamed into releases/; both calls are awaited, so that the record is on the disk first
 * @throws GantryError SIGNATURE_INVALID, ARCHIVE_UNSAFE, DIGEST_MISMATCH, LIBC_MISMATCH …; the releases directory is
 *   then as it was
 */
export async function importRelease(
  context: ServiceContext,
  source: Source,
  trust: Trust,
  announce: (generation: string, created: boolean) => Promise<void>,
): Promise<ImportedGeneration> {
  const { layout, reporter } = context;
  ensureDirectory(layout.opt, 0o755);
  ensureDirectory(layout.releases, 0o755);
  const work = join(layout.releases, `${NAMES.work}${randomBytes(8).toString("hex")}`);
  mkdirSync(work, { mode: 0o700 });
  try {
    const root = join(work, "release");
    const { left } = await takeIn(context, source, trust, { work, root });
    sayLeft(context, source, left);
    const candidate = readCandidate(root);
    await announce(candidate.generation, false);
    const refused = checkCandidate(candidate, context.own, context.own.target);
    if (refused !== undefined) throw new GantryError({ ...refused, where: nameOf(source) });
    trust.checkFollows(candidate, nameOf(source));
    const place = join(layout.releases, candidate.generation);
    if (readGenerations(layout).includes(candidate.generation)) {
      checkSame(root, place);
      await prepareRelease(place, context);
      return { candidate: readCandidate(place), created: false };
    }
    await prepareRelease(root, context);
    reporter.step("writing the release to the disk");
    await syncTree(root, listTree(root));
    await announce(candidate.generation, true);
    renameSync(root, place);
    await syncPath(layout.releases);
    return { candidate: readCandidate(place), created: true };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Into {
  readonly work: string;
  /** Directory of the new release. */
  readonly root: string;
}

/** Copies the release into the work directory, and checks its signature if it must have one. */
async function takeIn(context: ServiceContext, source: Source, trust: Trust, into: Into): Promise<Imported> {
  const { reporter, signal } = context;
  if (source.kind !== "directory") return takeArchiveIn(context, source, trust, into);
  reporter.step(`copying ${source.root}`);
  return copyRelease({
    from: source.root,
    ownership: "foreign",
    to: into.root,
    signal,
    admit: async (offered) => {
      context.requireLock();
      await trust.learn(offered);
      if (trust.pinned()) trust.checkSums(offered, source.root);
    },
  });
}

/**
 * Unpacks an archive into the work directory. The signature of the archive is checked before anything is unpacked, with
 * one exception: when the key of the signature is not known, the archive may have a statement by which a trusted key
 * names that key. The signature is then checked after unpacking, before any file is used.
 */
async function takeArchiveIn(
  context: ServiceContext,
  source: ArchiveSource,
  trust: Trust,
  { work, root }: Into,
): Promise<Imported> {
  const { reporter, signal, environment, own } = context;
  const named = nameOf(source);
  const file = join(work, "archive");
  const options = { target: own.target.name, environment, reporter, signal };
  const signature = await takeArchive(source, file, options);
  let pending: string | undefined;
  if (trust.pinned()) {
    if (signature === undefined) throw unsigned(`${named}.minisig`, "ARCHIVE");
    if (trust.knows(signature, named)) trust.checkArchive(file, signature, named);
    else pending = signature;
  }
  reporter.step(`unpacking ${named}`);
  const from = await unpack(file, join(work, "unpacked"), named, signal);
  // Removed before the release is written to the disk, so that the disk, which the running app uses, has less to write.
  if (pending === undefined) rmSync(file);
  const imported = await copyRelease({
    from,
    ownership: "private",
    to: root,
    named,
    signal,
    admit: async (offered) => {
      context.requireLock();
      await trust.learn(offered);
      if (pending === undefined) return;
      trust.checkArchive(file, pending, named);
      rmSync(file);
    },
  });
  refuseExtra(imported, named);
  return imported;
}

/**
 * Unpacks an archive.
 * @param into the directory to make and to unpack into
 * @param named the archive's name for messages
 * @returns the path of the one directory that the archive must contain
 */
async function unpack(file: string, into: string, named: string, signal: AbortSignal): Promise<string> {
  mkdirSync(into, { mode: 0o700 });
  const allow = { kind: "release", bytes: MOST_BYTES, entries: MOST_ENTRIES } as const;
  const { unpackArchive } = await import("../../archive/index.ts");
  await unpackArchive({ file, into, allow, signal });
  const [top, ...others] = readdirSync(into);
  if (top !== undefined && others.length === 0) return join(into, top);
  const what = "this is no release archive: it does not hold exactly one directory";
  throw new GantryError({ code: "ARCHIVE_UNSAFE", what, where: named });
}

/**
 * Refuses an archive with files that SHA256SUMS does not list. Files in node_modules are accepted, because the
 * publisher may have prepared the modules before packing the release.
 */
function refuseExtra({ left }: Imported, named: string): void {
  const extra = left.filter((path) => !path.startsWith(`${NAMES.modules}/`));
  const [first, ...rest] = extra.map((path) => ({
    code: "DIGEST_MISMATCH" as const,
    what: `${path} is not in SHA256SUMS`,
    where: named,
    fix: TAKE_AGAIN,
  }));
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/** Most entries that the warning names. */
const NAMED = 3;

function sayLeft({ reporter }: ServiceContext, source: Source, left: readonly string[]): void {
  if (left.length === 0) return;
  const more = left.length > NAMED ? ", …" : "";
  const entries = left.length === 1 ? "1 entry" : `${left.length} entries`;
  const names = printable(left.slice(0, NAMED).join(", "));
  reporter.warn(`left ${entries} of ${nameOf(source)} that are no part of the release: ${names}${more}`);
}

/**
 * Checks that a generation is the same release as the copied one. Their names are equal, and a name comes from the
 * manifest alone: another release with the same manifest is refused.
 * @param root the copied release
 * @param place the generation
 * @throws GantryError DIGEST_MISMATCH, also for a generation with damaged files; RELEASE_FILE_MISSING
 */
function checkSame(root: string, place: string): void {
  const file = join(place, NAMES.sums);
  const there = readFileSync(file, "utf8");
  if (there !== readFileSync(join(root, NAMES.sums), "utf8")) {
    const what = "another release with the same version and manifest is here already, with other files";
    const fix = "give the release another version, and build it again";
    throw new GantryError({ code: "DIGEST_MISMATCH", what, where: place, fix });
  }
  const findings = compareWithSums(place, parseSums(there, file), TAKE_AGAIN).filter(
    ({ where }) => !isOwn(place, where),
  );
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/** Whether a path is in node_modules, which gantry makes, or is a signature, which SHA256SUMS cannot list. */
function isOwn(root: string, where: string | undefined): boolean {
  const path = where?.slice(root.length + 1) ?? "";
  return path === NAMES.modules || path.startsWith(`${NAMES.modules}/`) || path.endsWith(".minisig");
}

/** The paths of all files and directories in a release, relative to it. A directory comes after its contents. */
function listTree(root: string, below = ""): { files: string[]; directories: string[] } {
  const files: string[] = [];
  const directories: string[] = [];
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      const inner = listTree(root, path);
      files.push(...inner.files);
      directories.push(...inner.directories);
    } else if (entry.isFile()) files.push(path);
  }
  return { files, directories: [...directories, below] };
}
