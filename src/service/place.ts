/**
 * From an archive or a directory to a generation: taken into a private work directory on the same file system, checked
 * there (signature, sums, target), made ready by its own launcher, synced, and renamed into releases/. Until that
 * rename nothing that anybody looks at has changed, and whatever has a generation's name is whole.
 */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { GantryError, isMissing } from "../errors.ts";
import { hideLogin } from "../mirror/address.ts";
import { syncPath, syncTree } from "../provision/durable.ts";
import { readNames, readOptionalText } from "../provision/read.ts";
import { NAMES } from "../release/layout.ts";
import { verifySignedFile } from "../release/minisign-file.ts";
import { compareWithSums, parseSums } from "../release/sums.ts";
import { checkCandidate, readCandidate, type Candidate } from "./candidate.ts";
import type { ServiceContext } from "./context.ts";
import { ensureDirectory, readGenerations } from "./generations.ts";
import { prepareRelease } from "./prepare.ts";

/** Where a release comes from. */
export type Source =
  | { readonly kind: "archive"; readonly file: string }
  | { readonly kind: "url"; readonly address: string }
  | { readonly kind: "directory"; readonly root: string };

/** What decides whether it may come in. */
export interface Trust {
  /** The installed release's pinned key; undefined where it pins none, and for a first installation. */
  readonly publicKey: string | undefined;
}

export interface Placed {
  readonly candidate: Candidate;
  /** False when exactly this release was there already. */
  readonly created: boolean;
}

/** More than any release of a single-binary app; an archive that goes on beyond it is a bomb. */
const MOST_BYTES = 4 * 2 ** 30;
const MOST_ENTRIES = 200_000;
const TAKE_AGAIN = "take it from its publisher again";

/**
 * @param announce told which generation it is, and, before a new one appears, that it is made now; waits until that is
 *   on the record
 * @throws GantryError SIGNATURE_INVALID, ARCHIVE_UNSAFE, DIGEST_MISMATCH, LIBC_MISMATCH …; the releases directory is
 *   then as it was
 */
export async function placeRelease(
  context: ServiceContext,
  source: Source,
  trust: Trust,
  announce: (generation: string, created: boolean) => Promise<void>,
): Promise<Placed> {
  const { layout, reporter } = context;
  ensureDirectory(layout.opt, 0o755);
  ensureDirectory(layout.releases, 0o755);
  const work = join(layout.releases, `${NAMES.work}${randomBytes(8).toString("hex")}`);
  mkdirSync(work, { mode: 0o700 });
  try {
    const root = await takeIn(context, source, trust, work);
    const candidate = readCandidate(root);
    await announce(candidate.generation, false);
    const refused = checkCandidate(candidate, context.own, context.own.target);
    if (refused !== undefined) throw new GantryError({ ...refused, where: nameOf(source) });
    checkSums(root, source);
    const place = join(layout.releases, candidate.generation);
    if (readGenerations(layout).includes(candidate.generation)) {
      checkSums(place, { kind: "directory", root: place });
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

/** Brings the release into the work directory, its signature checked; returns its root there. */
async function takeIn(
  context: ServiceContext,
  source: Source,
  { publicKey }: Trust,
  work: string,
): Promise<string> {
  const { reporter, signal } = context;
  if (source.kind === "directory") {
    const root = join(work, "release");
    reporter.step(`copying ${source.root}`);
    copyRelease(source.root, root);
    if (publicKey !== undefined) checkSignature(join(root, NAMES.sums), source.root, publicKey);
    return root;
  }
  const file = join(work, "archive");
  await takeArchive(context, source, file);
  if (publicKey !== undefined) checkSignature(file, nameOf(source), publicKey);
  reporter.step(`unpacking ${nameOf(source)}`);
  const into = join(work, "unpacked");
  mkdirSync(into, { mode: 0o700 });
  const allow = { kind: "release", bytes: MOST_BYTES, entries: MOST_ENTRIES } as const;
  const { unpackArchive } = await import("../archive/index.ts");
  await unpackArchive({ file, into, allow, signal });
  // Before the disk is asked to keep what was unpacked: the app that still serves is waiting for the same disk.
  rmSync(file);
  const [top, ...others] = readdirSync(into);
  if (top !== undefined && others.length === 0) return join(into, top);
  throw new GantryError({
    code: "ARCHIVE_UNSAFE",
    what: "this is no release archive: it does not hold exactly one directory",
    where: nameOf(source),
  });
}

/**
 * Copies the archive, and the signature if there is one: checked and unpacked must be the same bytes, and whoever owns
 * the original could change it in between.
 */
async function takeArchive(context: ServiceContext, source: Source, file: string): Promise<void> {
  if (source.kind === "archive") {
    copyFileSync(source.file, file, constants.COPYFILE_FICLONE);
    copySignature(`${source.file}.minisig`, `${file}.minisig`);
  } else if (source.kind === "url") {
    await fetchWithSignature(context, source.address, file);
  }
}

/** Loaded on demand: most upgrades are from a file. */
async function fetchWithSignature(context: ServiceContext, address: string, file: string): Promise<void> {
  const { environment, reporter, signal, own } = context;
  const { fetchArchive } = await import("../mirror/archive.ts");
  const { fetchSignature } = await import("../mirror/fetch.ts");
  const options = { address, target: own.target.name, environment, reporter, signal };
  reporter.step(`fetching ${hideLogin(address)}`);
  await fetchArchive({ ...options, into: file, most: MOST_BYTES });
  const signature = await fetchSignature(options);
  if (signature !== undefined) writeFileSync(`${file}.minisig`, signature, { mode: 0o600 });
}

function nameOf(source: Source): string {
  if (source.kind === "url") return hideLogin(source.address);
  return source.kind === "archive" ? source.file : source.root;
}

function copySignature(from: string, to: string): void {
  try {
    copyFileSync(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/**
 * @param named what the person called it, for messages
 * @throws GantryError SIGNATURE_INVALID
 */
function checkSignature(file: string, named: string, publicKey: string): void {
  const signature = `${file}.minisig`;
  if (existsSync(signature)) {
    verifySignedFile(file, readFileSync(signature, "utf8"), publicKey, `${named}.minisig`);
    return;
  }
  const directory = file.endsWith(NAMES.sums);
  const missing = directory ? join(named, NAMES.signature) : `${named}.minisig`;
  throw new GantryError({
    code: "SIGNATURE_INVALID",
    what: "the installed release pins a key, and there is no signature for this one",
    where: missing,
    fix: `put the publisher's signature there; it is made by: npx gantry sign ${directory ? "RELEASE" : "ARCHIVE"}`,
  });
}

/**
 * Copies the files that SHA256SUMS names, and the modules if they were made ready there; nothing else of what lies in
 * the directory, such as an .env, belongs to the release.
 */
function copyRelease(from: string, to: string): void {
  const sumsFile = join(from, NAMES.sums);
  const text = readOptionalText(sumsFile);
  if (text === undefined) {
    const what = "this is no release: it has no SHA256SUMS";
    throw new GantryError({ code: "RELEASE_FILE_MISSING", what, where: sumsFile });
  }
  for (const path of [NAMES.sums, ...parseSums(text, sumsFile).keys()])
    copyFile(join(from, path), join(to, path));
  for (const path of signatures(from)) copyFile(join(from, path), join(to, path));
  copyModules(join(from, NAMES.modules), join(to, NAMES.modules));
}

/** Signatures cannot be listed in the sums that they sign. */
function signatures(root: string): string[] {
  const bundles = readNames(join(root, NAMES.vendor)).map((name) => `${NAMES.vendor}/${name}`);
  return [NAMES.signature, ...bundles].filter(
    (path) => path.endsWith(".minisig") && existsSync(join(root, path)),
  );
}

/** Without the stamps: what was proven elsewhere is proven again here. */
function copyModules(from: string, to: string): void {
  for (const name of readNames(from)) {
    if (name === NAMES.stamps) continue;
    const path = join(from, name);
    const { isDirectory, isFile } = kindOf(path);
    if (isDirectory) copyModules(path, join(to, name));
    else if (isFile) copyFile(path, join(to, name));
  }
}

function kindOf(path: string): { readonly isDirectory: boolean; readonly isFile: boolean } {
  const facts = lstatSync(path);
  return { isDirectory: facts.isDirectory(), isFile: facts.isFile() };
}

/** Owned by root and with plain modes, whoever owns the original. */
function copyFile(from: string, to: string): void {
  ensureDirectory(dirname(to), 0o755);
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  chmodSync(to, (lstatSync(from).mode & 0o111) === 0 ? 0o644 : 0o755);
}

/** @throws GantryError with every file that is not as SHA256SUMS says */
function checkSums(root: string, source: Source): void {
  const file = join(root, NAMES.sums);
  const sums = parseSums(readFileSync(file, "utf8"), file);
  const findings = compareWithSums(root, sums, TAKE_AGAIN).filter(({ where }) => !isOwn(root, where));
  const [first, ...rest] = findings.map(({ code, what, fix }) => ({
    code,
    what,
    fix: fix ?? TAKE_AGAIN,
    where: nameOf(source),
  }));
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/** What gantry itself adds to a release, or what cannot be in its sums. */
function isOwn(root: string, where: string | undefined): boolean {
  const path = where?.slice(root.length + 1) ?? "";
  return path === NAMES.modules || path.startsWith(`${NAMES.modules}/`) || path.endsWith(".minisig");
}

/** Every file, and every directory after what lies in it. */
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
