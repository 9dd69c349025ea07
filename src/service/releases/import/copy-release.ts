/**
 * Copies a release into a directory that no other user can change. Exactly these files are copied: those that
 * SHA256SUMS lists, signatures, and the module files whose digest is that of the manifest. Each is hashed while it is
 * copied. The mode of a file depends on its contents, and its owner is the user who runs this process. Other files are
 * reported and not copied.
 */
import { closeSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../../../base/errors.ts";
import type { TreeListing } from "../../../base/files/index.ts";
import {
  bundlesOf,
  NAMES,
  normalMode,
  parentsOf,
  parseSignature,
  parseSums,
  sha256,
  signatureOf,
  sumMismatch,
  type Sums,
} from "../../../release/index.ts";
import { MOST_MANIFEST_BYTES, MOST_SIGNATURE_BYTES, MOST_SUMS_BYTES } from "./limits.ts";
import { readModules } from "./modules.ts";
import { openSourceTree, readSmall, type Owners, type SourceTree } from "./source-tree.ts";
import { startWriting, type ImportWriter } from "./import-writer.ts";

export interface ImportOptions {
  /** The directory to copy from. */
  readonly from: string;
  /**
   * `foreign`: other users may change `from` at any time. `private`: no other user can change it, and its files are
   * moved instead of copied.
   */
  readonly ownership: "foreign" | "private";
  /** The directory to make, inside one that only this user can change. The caller removes it after an error. */
  readonly to: string;
  /** Name of the source in messages; `from` when left out. */
  readonly named?: string;
  /**
   * Called before a file is written.
   * @throws to refuse the release
   */
  readonly admit: (offered: Offered) => void | Promise<void>;
  /** User ids whose files are accepted; all when left out. */
  readonly owners?: Owners;
  readonly signal: AbortSignal;
}

/** What a release says of itself, before it is checked. */
export interface Offered {
  /** The bytes of SHA256SUMS, with which every file is compared. */
  readonly sums: Buffer;
  readonly listed: Sums;
  /** The text of SHA256SUMS.minisig. */
  readonly signature: string | undefined;
  /** A small file, when SHA256SUMS lists it and its digest is right. */
  readonly read: (path: string) => Buffer | undefined;
}

export interface Imported {
  /** Paths that were not copied, relative to the source. A directory of which nothing was copied ends with a slash. */
  readonly left: readonly string[];
  /** All files and directories in `to`. */
  readonly listing: TreeListing;
}

const TAKE_AGAIN = "take it from its publisher again";

/**
 * Copies a release.
 * @throws GantryError RELEASE_FILE_MISSING without SHA256SUMS; RELEASE_FILE_MISSING and DIGEST_MISMATCH for every
 *   listed file that is not as listed; STORE_UNSAFE; what `admit` throws; the signal's reason; the file system's
 *   errors
 */
export async function copyRelease(options: ImportOptions): Promise<Imported> {
  const { from, to, named = from, ownership, admit, owners, signal } = options;
  const tree = openSourceTree(from, { owners, named });
  try {
    const offered = readOffered(tree);
    await admit(offered);
    const moveFrom = ownership === "private" ? from : undefined;
    const taking: Taking = { tree, writer: startWriting(to, signal), moveFrom };
    await takeListed(taking, offered.listed);
    taking.writer.put(NAMES.sums, offered.sums);
    for (const [path, text] of readSignatures(tree, offered)) taking.writer.put(path, text);
    await takeModules(taking, to);
    return { left: listLeft(tree, taking.writer), listing: taking.writer.listing() };
  } finally {
    tree.close();
  }
}

interface Taking {
  readonly tree: SourceTree;
  readonly writer: ImportWriter;
  readonly moveFrom: string | undefined;
}

function readOffered(tree: SourceTree): Offered {
  const sums = readSmall(tree, NAMES.sums, MOST_SUMS_BYTES);
  if (sums === undefined) {
    const what = "this is no release: it has no SHA256SUMS";
    throw new GantryError({ code: "RELEASE_FILE_MISSING", what, where: join(tree.named, NAMES.sums) });
  }
  const listed = parseSums(sums.toString("utf8"), join(tree.named, NAMES.sums));
  return {
    sums,
    listed,
    signature: readSmall(tree, NAMES.signature, MOST_SIGNATURE_BYTES)?.toString("utf8"),
    read: (path) => {
      const bytes = listed.has(path) ? readSmall(tree, path, MOST_SIGNATURE_BYTES) : undefined;
      return bytes !== undefined && sha256(bytes) === listed.get(path) ? bytes : undefined;
    },
  };
}

/**
 * Copies the files that SHA256SUMS lists.
 * @throws GantryError with every listed file that is not as listed
 */
async function takeListed(taking: Taking, listed: Sums): Promise<void> {
  const findings: Finding[] = [];
  for (const [path, digest] of listed) {
    const where = join(taking.tree.named, path);
    try {
      const found = await take(taking, path, { path, where });
      if (found === digest) continue;
      taking.writer.remove(path);
      findings.push(sumMismatch({ path, where, fix: TAKE_AGAIN }, digest, found));
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
      findings.push(...error.findings);
    }
  }
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

/**
 * Copies or moves one file.
 * @returns the digest of the bytes that were read
 */
async function take(
  { tree, writer, moveFrom }: Taking,
  path: string,
  file: Omit<Parameters<ImportWriter["copy"]>[1], "move">,
): Promise<string> {
  const descriptor = tree.open(path);
  try {
    const move = moveFrom === undefined ? {} : { move: join(moveFrom, path) };
    const [, digest] = await writer.copy(descriptor, { ...file, ...move });
    return digest;
  } finally {
    closeSync(descriptor);
  }
}

/** Reads the signatures, which SHA256SUMS cannot list because they sign it. A file that is no signature is left out. */
function readSignatures(tree: SourceTree, { listed, signature }: Offered): [path: string, text: Buffer][] {
  const found: [string, Buffer][] = [];
  const add = (path: string, read: () => Buffer | undefined) => {
    if (listed.has(path)) return;
    try {
      const bytes = read();
      if (bytes === undefined) return;
      parseSignature(bytes.toString("utf8"), path);
      found.push([path, bytes]);
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
    }
  };
  add(NAMES.signature, () => (signature === undefined ? undefined : Buffer.from(signature)));
  for (const path of bundlesOf(listed).map(signatureOf))
    add(path, () => readSmall(tree, path, MOST_SIGNATURE_BYTES));
  return found;
}

/**
 * Copies module files. A file that differs from the manifest is left out. Preparing the release replaces it.
 */
async function takeModules(taking: Taking, to: string): Promise<void> {
  const { tree, writer } = taking;
  if (!tree.names(".").some(({ name, isDirectory }) => name === NAMES.modules && isDirectory)) return;
  for (const [inner, entry] of readModules(readManifest(to))) {
    const path = `${NAMES.modules}/${inner}`;
    if (writer.has(path)) continue;
    const file = { path, where: join(tree.named, path), most: entry[0], mode: normalMode(entry) };
    try {
      if ((await take(taking, path, file)) !== entry[1]) writer.remove(path);
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
      writer.remove(path);
    }
  }
}

/** Reads the manifest from the copy, because the digest of the copy was compared with SHA256SUMS. */
function readManifest(to: string): string {
  const copy = openSourceTree(to, { named: to });
  try {
    return readSmall(copy, NAMES.manifest, MOST_MANIFEST_BYTES)?.toString("utf8") ?? "";
  } finally {
    copy.close();
  }
}

/** The entries that were not copied, without the stamps of earlier starts. */
function listLeft(tree: SourceTree, writer: ImportWriter): string[] {
  const directories = new Set(writer.listing().files.flatMap(parentsOf));
  return [".", ...directories].flatMap((directory) =>
    tree.names(directory).flatMap(({ name, isDirectory }) => {
      const path = directory === "." ? name : `${directory}/${name}`;
      if (writer.has(path) || (isDirectory && directories.has(path))) return [];
      return name.startsWith(NAMES.stamps) ? [] : [isDirectory ? `${path}/` : path];
    }),
  );
}
