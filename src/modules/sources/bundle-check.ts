/**
 * Checks that a bundle is the one that the release was built with, before anything is unpacked: its head names the
 * release, the manifest has its size and digest, and a release that pins a key requires its signature.
 */
import { GantryError, type Finding } from "../../base/errors.ts";
import {
  BUNDLE_HEAD_BYTES,
  parseBundleHead,
  pinnedKeys,
  readFileEntry,
  type ReleaseBundle,
  requireSigner,
  verifySignedFile,
} from "../../release/index.ts";
import { readStart } from "../../base/files/index.ts";
import type { Release } from "../release/unpacked.ts";

/**
 * Refuses a bundle of another release, by the name, version and target in its head.
 * @param start the file's first BUNDLE_HEAD_BYTES, or all of it when it is shorter
 * @param where the file or address, for messages
 * @throws GantryError DIGEST_MISMATCH
 */
export function checkHead(release: Release, start: Uint8Array, where: string): void {
  const { name, version, target } = release.manifest;
  const found = parseBundleHead(start);
  if (found === undefined) {
    throw new GantryError({
      code: "DIGEST_MISMATCH",
      what: "this is no bundle: its first bytes do not say which release it belongs to",
      where,
      fix: `take the bundle of ${name} ${version} for ${target}`,
    });
  }
  if (found.name === name && found.version === version && found.target === target) return;
  throw new GantryError({
    code: "DIGEST_MISMATCH",
    what: `this is the bundle of ${found.name} ${found.version} for ${found.target}, this release is ${name} ${version} for ${target}`,
    where,
    fix: `take the bundle of ${name} ${version} for ${target}`,
  });
}

/**
 * Checks a bundle's file: its head names the release, and it has the size and the SHA-256 in the manifest.
 * @throws GantryError DIGEST_MISMATCH; the file system's error when it cannot be read
 */
export function checkBundleFile(release: Release, bundle: ReleaseBundle, path: string): void {
  checkHead(release, readStart(path, BUNDLE_HEAD_BYTES), path);
  const [size, sha256] = readFileEntry(path);
  if (size === bundle.size && sha256 === bundle.sha256) return;
  const what =
    size === bundle.size
      ? `the bundle is damaged: its SHA-256 is ${sha256}, this release was built with ${bundle.sha256}`
      : `the bundle is not whole: it has ${size} bytes, this release was built with ${bundle.size}`;
  throw new GantryError({ code: "DIGEST_MISMATCH", what, where: path, fix: COPY_AGAIN });
}

const COPY_AGAIN = "copy the bundle again from where it was made";

/**
 * Checks the signature if the release pins a key.
 * @param signature the text of the .minisig beside the bundle, undefined when there is none, and its path or address
 * @throws GantryError SIGNATURE_INVALID
 */
export function checkSignature(
  release: Release,
  path: string,
  signature: { readonly text: string | undefined; readonly where: string },
): void {
  const { publicKey } = release.manifest;
  if (publicKey === undefined) return;
  if (signature.text === undefined) throw new GantryError(unsigned(signature.where));
  const ring = { pinned: pinnedKeys(publicKey), revoked: [] };
  const signer = requireSigner(ring, signature.text, signature.where);
  verifySignedFile(path, signature.text, signer, signature.where);
}

function unsigned(where: string): Finding {
  return {
    code: "SIGNATURE_INVALID",
    what: "this release pins its publisher's key, and the bundle has no signature",
    where,
    fix: "take the bundle together with its .minisig file from the publisher",
  };
}
