/**
 * Checks a release or a file with its publisher's public key. Changes nothing, trusts no key that the release contains,
 * and reports all problems at once.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import {
  bundlesOf,
  compareWithSums,
  createPrehash,
  NAMES,
  parseSignature,
  parseSums,
  type PublicKey,
  readPrehash,
  type Signature,
  SIGNATURE_NAME,
  signatureOf,
  type VerifiedSignature,
  verifySignature,
} from "../../release/index.ts";
import { readPublicKey } from "./keys.ts";
import { openRelease } from "./sign.ts";
import { readRegularFile, readRegularText } from "../../base/files/index.ts";

const FIX =
  "unpack the release archive again into an empty directory (a release that was started holds more files); if it still differs, take the archive from its publisher again";

export interface VerifyReleaseOptions {
  /** The release's directory. */
  readonly release: string;
  /** A public key's file, or the key itself: the line that begins with RW. */
  readonly publicKey: string;
}

export interface VerifyFileOptions {
  readonly file: string;
  /** A public key's file, or the key itself: the line that begins with RW. */
  readonly publicKey: string;
  /** `FILE.minisig` when left out. */
  readonly signatureFile?: string | undefined;
}

export interface VerifiedRelease extends VerifiedSignature {
  /** Number of files that match the signed digests. */
  readonly files: number;
}

/**
 * Checks the signature of SHA256SUMS with its trusted comment, every file, and the signature of each bundle.
 * @throws GantryError SIGNATURE_INVALID first, then DIGEST_MISMATCH and RELEASE_FILE_MISSING for every file
 */
export function verifyRelease(options: VerifyReleaseOptions): VerifiedRelease {
  const publicKey = readPublicKey(options.publicKey);
  const root = openRelease(options.release);
  const sumsFile = join(root, NAMES.sums);
  const bytes = readRegularFile(sumsFile);
  const findings: Finding[] = [];
  const collect = <T>(check: () => T): T | undefined => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
      findings.push(...error.findings);
      return undefined;
    }
  };
  const verified = collect(() =>
    verifyWith(publicKey, join(root, SIGNATURE_NAME), (signature) =>
      signature.prehashed ? createPrehash().update(bytes).digest() : bytes,
    ),
  );
  const sums = collect(() => parseSums(bytes.toString("utf8"), sumsFile));
  if (sums !== undefined) findings.push(...compareWithSums(root, sums, FIX));
  // For a changed bundle there is a finding already. Its signature is not reported as well.
  const changed = new Set(findings.map(({ where }) => where));
  for (const bundle of verified === undefined || sums === undefined ? [] : bundlesOf(sums)) {
    const file = join(root, bundle);
    if (changed.has(file)) continue;
    collect(() => verifyWith(publicKey, signatureOf(file), (signature) => readSigned(file, signature)));
  }
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
  if (verified === undefined || sums === undefined) throw new Error("a failed check left no finding");
  return { ...verified, files: sums.size };
}

/**
 * Checks a single file, for example a release's archive.
 * @throws GantryError SIGNATURE_INVALID; the file system's error when the file cannot be read
 */
export function verifyFile(options: VerifyFileOptions): VerifiedSignature {
  const { file, signatureFile = signatureOf(file) } = options;
  return verifyWith(readPublicKey(options.publicKey), signatureFile, (signature) =>
    readSigned(file, signature),
  );
}

/**
 * The bytes that a signature covers: the file's hash, or, for a signature of minisign's older format, the file itself.
 */
function readSigned(file: string, { prehashed }: Signature): Uint8Array {
  return prehashed ? readPrehash(file) : readRegularFile(file);
}

function verifyWith(
  publicKey: PublicKey,
  signatureFile: string,
  read: (signature: Signature) => Uint8Array,
): VerifiedSignature {
  if (!existsSync(signatureFile)) {
    const fix = "take it from the publisher together with its signature, or have it signed with gantry sign";
    throw new GantryError({
      code: "SIGNATURE_INVALID",
      what: "there is no signature",
      where: signatureFile,
      fix,
    });
  }
  const signature = parseSignature(readRegularText(signatureFile), signatureFile);
  return verifySignature(signature, read(signature), publicKey, signatureFile);
}
