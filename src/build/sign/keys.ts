/**
 * Makes and reads key pairs on disk, in minisign's formats. Never overwrites a key, and never makes or uses a secret
 * key inside a release. A new pair leaves either both files or neither.
 */
import { existsSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { errorCode, GantryError } from "../../base/errors.ts";
import {
  createSecretKey,
  encodePublicKey,
  formatKeyId,
  formatSecretKey,
  NAMES,
  parsePublicKey,
  parseSecretKey,
  type PublicKey,
  type SecretKey,
  type SecretKeyFile,
  unlockSecretKey,
  UNTRUSTED_PREFIX,
} from "../../release/index.ts";
import { createDurably, isThere, readRegularText } from "../../base/files/index.ts";

export interface KeygenOptions {
  readonly publicKeyFile: string;
  /** Path of the secret key, which is created with mode 0600. Missing directories above it get 0700. */
  readonly secretKeyFile: string;
  /** Undefined leaves the secret key unencrypted. That suits a CI service that keeps the key as a secret. */
  readonly password?: string | undefined;
}

export interface KeyPairFiles {
  readonly publicKeyFile: string;
  readonly secretKeyFile: string;
  /** The public key as one line, for `gantry.publicKey` and for publishing. */
  readonly publicKey: string;
  readonly keyId: string;
}

/**
 * Makes a key pair.
 * @throws GantryError CONFIG_INVALID when a file of that name exists, the secret key would lie in a release, or the
 *   password cannot be used; USAGE when both files have the same name
 */
export async function keygen(options: KeygenOptions): Promise<KeyPairFiles> {
  const publicKeyFile = resolve(options.publicKeyFile);
  const secretKeyFile = resolve(options.secretKeyFile);
  refuseOverwriting([secretKeyFile, publicKeyFile]);
  refuseInsideRelease(secretKeyFile);
  const key = createSecretKey();
  const keyId = formatKeyId(key.keyId);
  const publicKey = encodePublicKey(key);
  const secretText = await formatSecretKey(key, options.password);
  mkdirSync(dirname(secretKeyFile), { recursive: true, mode: 0o700 });
  mkdirSync(dirname(publicKeyFile), { recursive: true });
  await create(secretKeyFile, secretText, 0o600);
  try {
    await create(publicKeyFile, `${UNTRUSTED_PREFIX}minisign public key ${keyId}\n${publicKey}\n`, 0o644);
  } catch (error) {
    rmSync(secretKeyFile, { force: true });
    throw error;
  }
  return { publicKeyFile, secretKeyFile, publicKey, keyId };
}

function refuseOverwriting(files: readonly [string, string]): void {
  const existing = files.filter(isThere);
  const [first, ...rest] = existing.map(existsAlready);
  if (first !== undefined) throw new GantryError(first, ...rest);
  if (files[0] === files[1]) {
    const fix = "name two files";
    throw new GantryError({ code: "USAGE", what: "both keys would go to one file", where: files[0], fix });
  }
}

function existsAlready(where: string) {
  const what = "this file exists already, and keys are never overwritten";
  return {
    code: "CONFIG_INVALID",
    what,
    where,
    fix: "choose another name, or move the old key away",
  } as const;
}

/** Creates a file that must not exist. Another process may have created it since the check. */
async function create(path: string, text: string, mode: number): Promise<void> {
  try {
    await createDurably(path, text, mode);
  } catch (error) {
    if (errorCode(error) === "EEXIST") {
      throw new GantryError(existsAlready(path));
    }
    throw error;
  }
}

/**
 * Refuses a path for a secret key inside any release, because packing the release would publish it. Links are resolved.
 * @throws GantryError CONFIG_INVALID
 */
export function refuseInsideRelease(secretKeyFile: string): void {
  for (
    let directory = realPlace(secretKeyFile);
    directory !== dirname(directory);
    directory = dirname(directory)
  ) {
    if (!existsSync(join(directory, NAMES.manifest))) continue;
    throw new GantryError({
      code: "CONFIG_INVALID",
      what: `the secret key lies inside the release ${basename(directory)}`,
      where: secretKeyFile,
      fix: "keep it outside every release; if that release was ever published, make a new key pair",
    });
  }
}

/** The path with every link resolved in the part of it that exists. */
function realPlace(path: string): string {
  if (path === dirname(path)) return path;
  return existsSync(path) ? realpathSync(path) : join(realPlace(dirname(path)), basename(path));
}

/**
 * Says whether the file of a secret key is encrypted, so that its user has to be asked for a password.
 * @throws GantryError CONFIG_INVALID when there is no secret key in it
 */
export function needsPassword(secretKeyFile: string): boolean {
  return readSecretKeyFile(secretKeyFile).encrypted;
}

/**
 * Reads and unlocks a secret key. A password that the key does not need is ignored.
 * @throws GantryError CONFIG_INVALID
 */
export async function readSecretKey(secretKeyFile: string, password?: string): Promise<SecretKey> {
  refuseInsideRelease(secretKeyFile);
  return await unlockSecretKey(readSecretKeyFile(secretKeyFile), password, secretKeyFile);
}

function readSecretKeyFile(file: string): SecretKeyFile {
  return parseSecretKey(readKeyText(file, "secret"), file);
}

/**
 * Reads a public key.
 * @param fileOrKey a file's path, or the key itself: the line that begins with RW
 * @throws GantryError CONFIG_INVALID
 */
export function readPublicKey(fileOrKey: string): PublicKey {
  if (/^RW[A-Za-z0-9+/]{54}$/.test(fileOrKey)) return parsePublicKey(fileOrKey);
  return parsePublicKey(readKeyText(fileOrKey, "public"), fileOrKey);
}

function readKeyText(file: string, kind: "public" | "secret"): string {
  if (!existsSync(file)) {
    const fix = `name the file of the ${kind} key; gantry keygen makes a pair`;
    throw new GantryError({ code: "CONFIG_INVALID", what: `the ${kind} key is not there`, where: file, fix });
  }
  return readRegularText(file);
}
