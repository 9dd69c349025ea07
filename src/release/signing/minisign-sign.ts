/**
 * Writing minisign signatures: always over the BLAKE2b-512 of the file (`ED`), with a signed comment.
 * Pure and deterministic: the same key, prehash and comment give the same text. Refuses comments that would not
 * survive minisign's reader.
 */
import { sign } from "node:crypto";
import { GantryError } from "../../base/errors.ts";
import { privateKeyOf, type SecretKey } from "./minisign-secret.ts";
import { globallySigned, PREHASHED, TRUSTED_PREFIX, UNTRUSTED_PREFIX } from "./minisign.ts";

/** The longest comment, in bytes. minisign reads its line into 8192 bytes, prefix, line end and NUL included. */
const COMMENT_BYTES = 8192 - TRUSTED_PREFIX.length - 2;

/**
 * The text of a `.minisig` file.
 * @param prehash BLAKE2b-512 of the signed file, 64 bytes
 * @param trustedComment one line, without control characters other than tabs
 * @throws GantryError USAGE for a comment that cannot be signed
 */
export function formatSignature(prehash: Uint8Array, key: SecretKey, trustedComment: string): string {
  checkComment(trustedComment);
  const privateKey = privateKeyOf(key.seed);
  const signature = sign(null, prehash, privateKey);
  const line = Buffer.concat([Buffer.from(PREHASHED, "latin1"), key.keyId, signature]).toString("base64");
  const global = sign(null, globallySigned(signature, trustedComment), privateKey).toString("base64");
  return `${UNTRUSTED_PREFIX}signature from gantry\n${line}\n${TRUSTED_PREFIX}${trustedComment}\n${global}\n`;
}

function checkComment(comment: string): void {
  const fits = Buffer.byteLength(comment) <= COMMENT_BYTES;
  if (fits && !/\p{Cs}|[^\P{Cc}\t]/u.test(comment)) return;
  throw new GantryError({
    code: "USAGE",
    what: fits
      ? "the trusted comment holds a line end or another control character"
      : "the trusted comment is too long",
    fix: `give one line of at most ${COMMENT_BYTES} bytes`,
  });
}
