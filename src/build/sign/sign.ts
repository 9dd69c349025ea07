/**
 * Signs a release (its SHA256SUMS) or a single file. A release is signed only when SHA256SUMS matches every file, with
 * nothing missing and nothing extra, and when no secret key is among the files.
 */
import { lstatSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import {
  bundlesOf,
  compareWithSums,
  createPrehash,
  encodePublicKey,
  formatKeyId,
  formatSignature,
  holdsSecretKey,
  keyIdOf,
  type Manifest,
  manifestTarget,
  NAMES,
  parseManifest,
  parseSums,
  pinnedKeys,
  readPrehash,
  readTreeFiles,
  releaseBase,
  releaseName,
  type SecretKey,
  signatureOf,
} from "../../release/index.ts";
import { repackArchive, type Repacked } from "../pack/index.ts";
import { checkStatements } from "./statement.ts";
import { readSecretKey, refuseInsideRelease } from "./keys.ts";
import {
  isDirectory,
  readRegularFile,
  readRegularText,
  unlessRefused,
  writeDurably,
} from "../../base/files/index.ts";

/** Bytes. A key has some hundred bytes, so larger files are not searched for one. */
const SEARCHED_BYTES = 1 << 20;
const FIX = "build the release again, and sign it before it is started or changed";

interface SigningKey {
  readonly secretKeyFile: string;
  /** Password of the key. Needed when the key is encrypted. */
  readonly password?: string | undefined;
  /** A line of text that is signed with the file. Default: the time and the file's name. */
  readonly trustedComment?: string | undefined;
}

export interface SignReleaseOptions extends SigningKey {
  /** The release's directory. */
  readonly release: string;
}

export interface SignFileOptions extends SigningKey {
  readonly file: string;
}

export interface SignedRelease extends WrittenSignature {
  /** Paths of the signatures of the bundles that the release carries. */
  readonly bundles: readonly string[];
  /** The archive beside the release, which was packed again with the signatures in it. */
  readonly repacked: Repacked | undefined;
}

export interface WrittenSignature {
  /** Path of the signature. */
  readonly file: string;
  readonly keyId: string;
  readonly trustedComment: string;
}

/**
 * Writes SHA256SUMS.minisig into a release, and a signature beside each of its bundles, so that a bundle can be checked
 * without the release. Older signatures are replaced. An archive beside the release is packed again.
 * @throws GantryError RELEASE_FILE_MISSING, DIGEST_MISMATCH with every file that differs, CONFIG_INVALID for the key,
 *   SIGNATURE_INVALID when the release was built for another key
 */
export async function signRelease(options: SignReleaseOptions): Promise<SignedRelease> {
  const root = openRelease(options.release);
  refuseInsideRelease(options.secretKeyFile);
  const sumsFile = join(root, NAMES.sums);
  const bytes = readRegularFile(sumsFile);
  const sums = parseSums(bytes.toString("utf8"), sumsFile);
  const [first, ...rest] = [...compareWithSums(root, sums, FIX), ...findSecretKeys(root)];
  if (first !== undefined) throw new GantryError(first, ...rest);
  const manifestFile = join(root, NAMES.manifest);
  const manifest = parseManifest(readRegularText(manifestFile), manifestFile);
  const secretKey = await readSecretKey(options.secretKeyFile, options.password);
  refuseOtherKey(manifest, secretKey, manifestFile);
  const keys = [encodePublicKey(secretKey), ...pinnedKeys(manifest.publicKey)];
  const [unsigned, ...more] = checkStatements(root, [...sums.keys()], keys);
  if (unsigned !== undefined) throw new GantryError(unsigned, ...more);
  const base = releaseBase(manifest.name, manifest.version);
  const bundles: string[] = [];
  for (const path of bundlesOf(sums)) {
    const signing = { file: join(root, path), about: `bundle:${base} ${basename(path)}` };
    bundles.push((await writeSignature(secretKey, options, signing)).file);
  }
  const prehash = createPrehash().update(bytes).digest();
  const about = `release:${releaseName(manifest.name, manifest.version, manifestTarget(manifest))}`;
  const signed = await writeSignature(secretKey, options, { file: sumsFile, about, prehash });
  return { ...signed, bundles, repacked: await repackArchive(root) };
}

/** Refuses a key that the release was not built for, because hosts would refuse the signature. */
function refuseOtherKey(manifest: Manifest, secretKey: SecretKey, where: string): void {
  const keys = pinnedKeys(manifest.publicKey);
  if (keys.length === 0 || keys.includes(encodePublicKey(secretKey))) return;
  const pinned = keys.map(keyIdOf).join(" or ");
  throw new GantryError({
    code: "SIGNATURE_INVALID",
    what: `the release pins the key ${pinned}; this is the key ${formatKeyId(secretKey.keyId)}`,
    where,
    fix: `sign with the key ${pinned}, or build the release again with --public-key for this one`,
  });
}

/**
 * Writes FILE.minisig beside any file, and replaces an older one.
 * @throws GantryError CONFIG_INVALID for the key; the file system's error when the file cannot be read
 */
export async function signFile(options: SignFileOptions): Promise<WrittenSignature> {
  const prehash = readPrehash(options.file);
  const secretKey = await readSecretKey(options.secretKeyFile, options.password);
  const about = `file:${basename(options.file)}`;
  return writeSignature(secretKey, options, { file: options.file, about, prehash });
}

/**
 * The real path of a release. Checks that the release has the files that signing and verifying need.
 * @throws GantryError RELEASE_FILE_MISSING
 */
export function openRelease(release: string): string {
  if (!isDirectory(release)) throw noRelease("there is no such directory", release);
  for (const path of [NAMES.sums, NAMES.manifest]) {
    const where = join(release, path);
    if (lstatSync(where, { throwIfNoEntry: false })?.isFile() === true) continue;
    throw noRelease(`this is no release: it has no file ${path}`, where);
  }
  return realpathSync(release);
}

function noRelease(what: string, where: string): GantryError {
  const fix = "name the directory that gantry build made or the release archive unpacks to";
  return new GantryError({ code: "RELEASE_FILE_MISSING", what, where, fix });
}

interface Signed {
  readonly file: string;
  /** The part of the comment that names the file. */
  readonly about: string;
  /** The file's hash, when it is known already. */
  readonly prehash?: Uint8Array;
}

/**
 * Writes the signature of a file. The default comment has minisign's format: fields with a colon, with tabs between
 * them.
 */
async function writeSignature(
  secretKey: SecretKey,
  { trustedComment }: Pick<SigningKey, "trustedComment">,
  { file, about, prehash = readPrehash(file) }: Signed,
): Promise<WrittenSignature> {
  const timestamp = Math.floor(Date.now() / 1000);
  const comment = trustedComment ?? `timestamp:${timestamp}\t${about}\thashed`;
  const signature = signatureOf(file);
  await writeDurably(signature, formatSignature(prehash, secretKey, comment), 0o644);
  return { file: signature, keyId: formatKeyId(secretKey.keyId), trustedComment: comment };
}

/**
 * Finds secret keys among the release's files, for example from `gantry.include`. A key that was published once is no
 * longer secret.
 */
function findSecretKeys(root: string): Finding[] {
  return readTreeFiles(root).flatMap(({ path, kind }) => {
    const where = join(root, path);
    if (kind !== "file" || lstatSync(where).size > SEARCHED_BYTES) return [];
    // The comparison with the digests reports a file that cannot be read.
    const text = unlessRefused(() => readRegularFile(where))?.toString("latin1");
    if (text === undefined || !holdsSecretKey(text)) return [];
    const what = `${path} holds a secret key`;
    const fix = "take it out, build again, and make a new key pair if this release was ever published";
    return [{ code: "CONFIG_INVALID", what, where, fix }];
  });
}
