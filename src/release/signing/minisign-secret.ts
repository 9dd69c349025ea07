/**
 * Makes, writes and reads minisign's secret keys, with a password (scrypt) or without. Pure except for randomness.
 * Refuses keys whose halves do not belong together, and scrypt costs above the limit. Not part of the launcher.
 * The layout of the 158 bytes: https://jedisct1.github.io/minisign/#secret-key-format
 */
import { blake2b } from "@noble/hashes/blake2.js";
import { createPrivateKey, createPublicKey, randomBytes, scrypt, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { GantryError } from "../../base/errors.ts";
import { decodeBase64, LEGACY, splitLines, UNTRUSTED_PREFIX, type PublicKey } from "./minisign.ts";

/** Three algorithms of two bytes, salt, two limits, then what a password seals: key id, seed, point, checksum. */
const SECRET_KEY_BYTES = 158;
const SEALED_BYTES = 8 + 32 + 32 + 32;
const CHECKSUM = "B2";
const SCRYPT = "Sc";
const NO_PASSWORD = "\0\0";
/** The DER in front of a raw Ed25519 seed, RFC 8410. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
/** minisign reads a password as one line into this many bytes. */
const PASSWORD_BYTES = 1023;

/** libsodium's limits for scrypt. */
interface KeyCost {
  /** Operations. */
  readonly operations: number;
  /** Bytes. */
  readonly memory: number;
}

/** libsodium's SENSITIVE, which minisign uses: 1 GiB and about three seconds. */
const SENSITIVE: KeyCost = { operations: 2 ** 25, memory: 2 ** 30 };
/** The highest scrypt cost that is accepted: four times minisign's, so that a damaged file does not take hours. */
const MOST_WORK = 2 ** 22;

export interface SecretKey extends PublicKey {
  /** The Ed25519 private key of RFC 8032, 32 bytes. */
  readonly seed: Uint8Array;
}

interface LockedKey {
  readonly salt: Uint8Array;
  readonly cost: KeyCost;
  readonly sealed: Uint8Array;
}

/** A secret key's file as read: usable at once, or sealed by a password. */
export type SecretKeyFile =
  | { readonly encrypted: false; readonly key: SecretKey }
  | { readonly encrypted: true; readonly locked: LockedKey };

/** Makes a new key pair with a random id. */
export function createSecretKey(): SecretKey {
  const seed = randomBytes(32);
  return { keyId: randomBytes(8), seed, point: pointOf(seed) };
}

/** The key as node:crypto takes it. */
export function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
}

function pointOf(seed: Uint8Array): Buffer {
  return createPublicKey(privateKeyOf(seed)).export({ format: "der", type: "spki" }).subarray(-32);
}

/**
 * The text of a secret key's file.
 * @param password encrypts the key; when left out, the key is written as it is, as `minisign -W` does
 * @throws GantryError CONFIG_INVALID for a password that minisign could not read
 */
export async function formatSecretKey(key: SecretKey, password?: string, cost = SENSITIVE): Promise<string> {
  const open = Buffer.concat([key.keyId, key.seed, key.point]);
  if (password === undefined) {
    const body = Buffer.concat([header(NO_PASSWORD), Buffer.alloc(48), open, Buffer.alloc(32)]);
    return `${UNTRUSTED_PREFIX}minisign secret key without a password\n${body.toString("base64")}\n`;
  }
  checkPassword(password);
  const salt = randomBytes(32);
  const limits = Buffer.alloc(16);
  limits.writeBigUInt64LE(BigInt(cost.operations));
  limits.writeBigUInt64LE(BigInt(cost.memory), 8);
  const stream = await deriveStream(password, salt, cost);
  const sealed = exclusiveOr(Buffer.concat([open, checksumOf(open)]), stream);
  const body = Buffer.concat([header(SCRYPT), salt, limits, sealed]);
  return `${UNTRUSTED_PREFIX}minisign encrypted secret key\n${body.toString("base64")}\n`;
}

function header(derivation: string): Buffer {
  return Buffer.from(`${LEGACY}${derivation}${CHECKSUM}`, "latin1");
}

/** Refuses a password that minisign could not read: it reads one line of at most 1023 bytes, and stops at NUL. */
function checkPassword(password: string): void {
  if (password !== "" && !/[\r\n\0]/.test(password) && Buffer.byteLength(password) <= PASSWORD_BYTES) return;
  const what = password === "" ? "the password is empty" : "minisign could not be given this password";
  const fix = `choose one line of 1 to ${PASSWORD_BYTES} bytes, or leave the password out for a key without one`;
  throw new GantryError({ code: "CONFIG_INVALID", what, fix });
}

/**
 * Parses a secret key's file.
 * @throws GantryError CONFIG_INVALID
 */
export function parseSecretKey(text: string, where: string): SecretKeyFile {
  const bad = (why: string) => keyFailure(`this is no minisign secret key: ${why}`, where);
  const lines = splitLines(text);
  const encoded = lines[1];
  if (lines.length !== 2 || encoded === undefined) throw bad("it is not one line of base64 below a comment");
  const bytes = decodeBase64(encoded, SECRET_KEY_BYTES);
  if (bytes === undefined) throw bad(`its second line is not the base64 of ${SECRET_KEY_BYTES} bytes`);
  const names = bytes.toString("latin1", 0, 6);
  const sealed = bytes.subarray(SECRET_KEY_BYTES - SEALED_BYTES);
  if (names === `${LEGACY}${NO_PASSWORD}${CHECKSUM}`)
    return { encrypted: false, key: openKey(sealed, where) };
  if (names !== `${LEGACY}${SCRYPT}${CHECKSUM}`) throw bad("its algorithms are not known");
  const cost = {
    operations: Number(bytes.readBigUInt64LE(38)),
    memory: Number(bytes.readBigUInt64LE(46)),
  };
  const { blocks, lanes } = scryptSettings(cost);
  if (blocks * lanes > MOST_WORK) throw bad("checking its password would take hours");
  return { encrypted: true, locked: { salt: bytes.subarray(6, 38), cost, sealed } };
}

/**
 * The key in a secret key's file, decrypted where it has a password.
 * @throws GantryError CONFIG_INVALID: no password where one is needed, a wrong one, a damaged key
 */
export async function unlockSecretKey(
  file: SecretKeyFile,
  password: string | undefined,
  where: string,
): Promise<SecretKey> {
  if (!file.encrypted) return file.key;
  if (password === undefined) {
    throw keyFailure(
      "the secret key needs its password",
      where,
      "set GANTRY_KEY_PASSWORD, or type it when asked",
    );
  }
  const { salt, cost, sealed } = file.locked;
  const opened = exclusiveOr(sealed, await deriveStream(password, salt, cost));
  if (!checksumOf(opened.subarray(0, 72)).equals(opened.subarray(72))) {
    throw keyFailure(
      "wrong password for the secret key, or a damaged key",
      where,
      "give the password it was made with",
    );
  }
  return openKey(opened, where);
}

/**
 * Whether a text contains a secret key of minisign's, alone or inside other text.
 * Every key's base64 begins alike, because its first six bytes are the names of its algorithms.
 */
export function holdsSecretKey(text: string): boolean {
  return /RW(?:RTY0Iy|QAAEIy)[A-Za-z0-9+/]{203}=/.test(text);
}

function openKey(opened: Uint8Array, where: string): SecretKey {
  const [keyId, seed, point] = [opened.subarray(0, 8), opened.subarray(8, 40), opened.subarray(40, 72)];
  // Signing one message with two different points reveals the seed, so that a key that was changed is not used.
  if (!pointOf(seed).equals(point))
    throw keyFailure("the halves of this secret key do not belong together", where);
  return { keyId, seed, point };
}

/** The checksum covers the algorithm's name, the key id and both halves of the key. */
function checksumOf(open: Uint8Array): Buffer {
  // node:crypto has the digest of 64 bytes alone, of which this one is no prefix (RFC 7693).
  return Buffer.from(blake2b(Buffer.concat([Buffer.from(LEGACY, "latin1"), open]), { dkLen: 32 }));
}

function exclusiveOr(bytes: Uint8Array, stream: Uint8Array): Buffer {
  return Buffer.from(bytes.map((byte, index) => byte ^ (stream[index] ?? 0)));
}

const deriveKey = promisify(scrypt) as (
  password: string,
  salt: Uint8Array,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Buffer>;

async function deriveStream(password: string, salt: Uint8Array, cost: KeyCost): Promise<Buffer> {
  const { blocks, lanes } = scryptSettings(cost);
  const maxmem = 1024 * (blocks + lanes) + 2 ** 20;
  try {
    return await deriveKey(password, salt, SEALED_BYTES, { N: blocks, r: 8, p: lanes, maxmem });
  } catch (error) {
    throw new GantryError({
      code: "IO_FAILED",
      what: `no key could be derived from the password, which takes ${Math.ceil(maxmem / 2 ** 20)} MiB of memory`,
      fix: "free some memory, or raise the limit of this shell or container",
      detail: [error instanceof Error ? error.message : String(error)],
    });
  }
}

/**
 * scrypt's N (here blocks, of 1 KiB each) and p (lanes) for libsodium's limits, with r always 8, as
 * crypto_pwhash_scryptsalsa208sha256 chooses them: as much memory as allowed, the rest of the operations in lanes.
 */
function scryptSettings({ operations, memory }: KeyCost): { blocks: number; lanes: number } {
  const work = Math.max(operations, 32_768);
  if (work < Math.floor(memory / 32)) return { blocks: powerOfTwo(Math.floor(work / 32)), lanes: 1 };
  const blocks = powerOfTwo(Math.floor(memory / 1024));
  return { blocks, lanes: Math.floor(Math.min(Math.floor(work / 4 / blocks), 0x3fffffff) / 8) };
}

/** The largest power of two that is at most `limit`, and at least 2. */
function powerOfTwo(limit: number): number {
  return 2 ** Math.max(1, Math.floor(Math.log2(limit)));
}

function keyFailure(
  what: string,
  where: string,
  fix = "give the secret key that gantry keygen or minisign -G made, or make a new pair",
): GantryError {
  return new GantryError({ code: "CONFIG_INVALID", what, where, fix });
}
