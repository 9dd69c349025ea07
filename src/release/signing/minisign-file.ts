/** Checking the signature of a file of any size, without holding it in memory. */
import {
  createPrehash,
  parsePublicKey,
  parseSignature,
  verifySignature,
  type VerifiedSignature,
} from "./minisign.ts";
import { readPieces, readRegularFile } from "../../base/files/index.ts";

/** BLAKE2b-512 of a file of any size. */
export function readPrehash(path: string): Buffer {
  const hash = createPrehash();
  readPieces(path, (piece) => hash.update(piece));
  return hash.digest();
}

/**
 * Checks a file against the text of its `.minisig` and a public key.
 * @param publicKeyText the text of the key's two-line file, or its base64 line
 * @param where the signature's file or address, for messages
 * @throws GantryError SIGNATURE_INVALID, CONFIG_INVALID when the public key cannot be used; the file system's error
 */
export function verifySignedFile(
  path: string,
  signatureText: string,
  publicKeyText: string,
  where: string,
): VerifiedSignature {
  const publicKey = parsePublicKey(publicKeyText);
  const signature = parseSignature(signatureText, where);
  const signed = signature.prehashed ? readPrehash(path) : readRegularFile(path);
  return verifySignature(signature, signed, publicKey, where);
}
