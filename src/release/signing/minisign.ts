/**
 * Verifies minisign signatures: parses public keys and signature files, and makes the two Ed25519 checks. Pure, and the
 * only part of signing that the launcher has. minisign 0.11 accepts everything that this accepts. This also refuses text
 * after the fourth line, base64 that is not canonical, stray carriage returns, and keys for which anyone can sign.
 * The format: https://jedisct1.github.io/minisign/#signature-format
 */
import { createHash, createPublicKey, verify, type Hash } from "node:crypto";
import { GantryError, type ErrorCode } from "../../base/errors.ts";

export const UNTRUSTED_PREFIX = "untrusted comment: ";
export const TRUSTED_PREFIX = "trusted comment: ";
/** The algorithm name in every key, and in a signature over the message itself. */
export const LEGACY = "Ed";
/** The algorithm name in a signature over the message's BLAKE2b-512. */
export const PREHASHED = "ED";

/** `Ed`, key id, point. */
const PUBLIC_KEY_BYTES = 2 + 8 + 32;
/** Algorithm, key id, signature. */
const SIGNATURE_BYTES = 2 + 8 + 64;
/** The DER in front of a raw Ed25519 public key, RFC 8410. */
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

export interface PublicKey {
  /** Eight random bytes that tell keys apart. */
  readonly keyId: Uint8Array;
  /** The Ed25519 public key, 32 bytes. */
  readonly point: Uint8Array;
}

export interface Signature {
  /** Over the BLAKE2b-512 of the message; false for minisign's older form, over the message itself. */
  readonly prehashed: boolean;
  readonly keyId: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  readonly trustedComment: string;
  /** Over `signature` and the trusted comment, 64 bytes. */
  readonly globalSignature: Uint8Array;
}

export interface VerifiedSignature {
  /** Sixteen upper-case hexadecimal digits, as minisign shows them. */
  readonly keyId: string;
  /** The signed comment. Replace its control characters before printing it. */
  readonly trustedComment: string;
}

/**
 * Checks a message against the text of its `.minisig` file and a public key.
 * @param publicKeyText the text of the key's two-line file, or its base64 line
 * @param where the signature's file, for messages
 * @throws GantryError SIGNATURE_INVALID, or CONFIG_INVALID when the public key cannot be used
 */
export function verifyMinisign(
  message: Uint8Array,
  signatureText: string,
  publicKeyText: string,
  where?: string,
): VerifiedSignature {
  const publicKey = parsePublicKey(publicKeyText);
  const signature = parseSignature(signatureText, where);
  const signed = signature.prehashed ? createPrehash().update(message).digest() : message;
  return verifySignature(signature, signed, publicKey, where);
}

/** The hash (BLAKE2b-512) whose 64 bytes a prehashed signature signs. */
export function createPrehash(): Hash {
  return createHash("blake2b512");
}

/**
 * Checks a parsed signature, for callers that hash a large file in pieces.
 * @param signed the prehash of the message, or the message for a signature that is not prehashed
 * @throws GantryError SIGNATURE_INVALID
 */
export function verifySignature(
  signature: Signature,
  signed: Uint8Array,
  publicKey: PublicKey,
  where?: string,
): VerifiedSignature {
  const keyId = formatKeyId(publicKey.keyId);
  const signer = formatKeyId(signature.keyId);
  if (keyId !== signer) {
    throw failure("SIGNATURE_INVALID", `signed with key ${signer}, and the key to trust is ${keyId}`, where);
  }
  const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey.point]), format: "der", type: "spki" });
  if (!verify(null, signed, key, signature.signature)) {
    const what = "the signature does not match: the signed file was altered, or this signs another file";
    throw failure("SIGNATURE_INVALID", what, where);
  }
  const { trustedComment, globalSignature } = signature;
  if (!verify(null, globallySigned(signature.signature, trustedComment), key, globalSignature)) {
    throw failure("SIGNATURE_INVALID", "the trusted comment of the signature was altered", where);
  }
  return { keyId, trustedComment };
}

/** The bytes that the global signature signs. */
export function globallySigned(signature: Uint8Array, trustedComment: string): Buffer {
  return Buffer.concat([signature, Buffer.from(trustedComment, "utf8")]);
}

/**
 * Parses a `.minisig` file: untrusted comment, signature, trusted comment, global signature, one line each.
 * @throws GantryError SIGNATURE_INVALID
 */
export function parseSignature(text: string, where?: string): Signature {
  const bad = (why: string) => failure("SIGNATURE_INVALID", `this is no minisign signature: ${why}`, where);
  const [untrusted, encoded, trusted, encodedGlobal, ...rest] = splitLines(text);
  if (
    untrusted === undefined ||
    encoded === undefined ||
    trusted === undefined ||
    encodedGlobal === undefined
  ) {
    throw bad("it has fewer than four lines");
  }
  if (rest.length > 0) throw bad("text follows its fourth line");
  if (!untrusted.startsWith(UNTRUSTED_PREFIX)) throw bad(`line 1 does not begin with "${UNTRUSTED_PREFIX}"`);
  if (!trusted.startsWith(TRUSTED_PREFIX)) throw bad(`line 3 does not begin with "${TRUSTED_PREFIX}"`);
  // minisign ends a comment at the first CR or NUL, so that the text after it is not signed.
  if (/[\r\0]/.test(text.replaceAll("\r\n", "\n"))) throw bad("a line holds a carriage return or NUL");
  const bytes = decodeBase64(encoded, SIGNATURE_BYTES);
  const globalSignature = decodeBase64(encodedGlobal, 64);
  if (bytes === undefined) throw bad("line 2 is damaged");
  if (globalSignature === undefined) throw bad("line 4 is damaged");
  const algorithm = bytes.toString("latin1", 0, 2);
  if (algorithm !== PREHASHED && algorithm !== LEGACY) throw bad("its algorithm is not known");
  return {
    prehashed: algorithm === PREHASHED,
    keyId: bytes.subarray(2, 10),
    signature: bytes.subarray(10),
    trustedComment: trusted.slice(TRUSTED_PREFIX.length),
    globalSignature,
  };
}

/**
 * Parses a public key: minisign's two-line file, or its second line alone as `minisign -P` takes it.
 * @throws GantryError CONFIG_INVALID
 */
export function parsePublicKey(text: string, where?: string): PublicKey {
  const bad = (why: string) => failure("CONFIG_INVALID", `this is no minisign public key: ${why}`, where);
  const lines = splitLines(text);
  const encoded = lines.length === 1 ? lines[0] : lines[1];
  if (lines.length > 2 || encoded === undefined) throw bad("it is not one line of base64 below a comment");
  const bytes = decodeBase64(encoded.trim(), PUBLIC_KEY_BYTES);
  if (bytes === undefined) throw bad(`it is not the base64 of ${PUBLIC_KEY_BYTES} bytes`);
  if (bytes.toString("latin1", 0, 2) !== LEGACY) throw bad("its algorithm is not known");
  const point = bytes.subarray(10);
  if (isForgeable(point)) throw bad("anyone could forge signatures for it");
  return { keyId: bytes.subarray(2, 10), point };
}

/** The base64 line of a public key. */
export function encodePublicKey(key: PublicKey): string {
  return Buffer.concat([Buffer.from(LEGACY, "latin1"), key.keyId, key.point]).toString("base64");
}

/** The id as minisign shows it: a little-endian number in upper-case hexadecimal, here always sixteen digits. */
export function formatKeyId(keyId: Uint8Array): string {
  return hexLittleEndian(keyId).toUpperCase();
}

function hexLittleEndian(bytes: Uint8Array): string {
  return Buffer.from(bytes.toReversed()).toString("hex");
}

/** The bytes of canonical base64, or undefined for anything else and any other length. */
export function decodeBase64(text: string, length: number): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === length && bytes.toString("base64") === text ? bytes : undefined;
}

/** Lines without their ends (LF or CRLF) and without empty lines at the end. */
export function splitLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

/** The field's prime, and the y of a point of order 8 (RFC 8032, 5.1; the other one is its negative). */
const FIELD = 2n ** 255n - 19n;
const Y_OF_ORDER_8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;

/**
 * Whether a key is one of the curve's eight points of small order, or encoded in a way that Ed25519 forbids.
 * OpenSSL and BoringSSL take such a key and then accept signatures made without any secret; libsodium refuses it.
 * All zeros, what a placeholder looks like, is among them.
 */
function isForgeable(point: Uint8Array): boolean {
  const y = BigInt(`0x${hexLittleEndian(point)}`) & (2n ** 255n - 1n);
  return y >= FIELD || [0n, 1n, FIELD - 1n, Y_OF_ORDER_8, FIELD - Y_OF_ORDER_8].includes(y);
}

function failure(code: ErrorCode, what: string, where: string | undefined): GantryError {
  const fix =
    code === "SIGNATURE_INVALID"
      ? "take the file and its signature from their publisher again, and the public key from a place you trust"
      : "give the publisher's minisign public key: the file, or the line in it that begins with RW";
  return new GantryError({ code, what, fix, ...(where === undefined ? {} : { where }) });
}
