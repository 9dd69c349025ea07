/**
 * Writes statements about keys, as files that a release carries in keys/. A statement names the successor of a key, or
 * says that a key is revoked. Each is signed like any other file, so that minisign can check it.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import {
  createPrehash,
  encodePublicKey,
  formatSignature,
  formatStatement,
  isStatementPath,
  isStatementSigned,
  keyIdOf,
  type KeyStatement,
  parseStatement,
  type SecretKey,
  signatureOf,
} from "../../release/index.ts";
import { writeDurably } from "../../base/files/index.ts";
import { keygen, readPublicKey, readSecretKey, type KeygenOptions, type KeyPairFiles } from "./keys.ts";

interface StatementOptions {
  /** Path of the output directory. Created when missing. */
  readonly directory: string;
}

export interface SucceedOptions extends StatementOptions, KeygenOptions {
  /** Path of the old secret key. */
  readonly predecessor: string;
}

export interface RevokeOptions extends StatementOptions {
  /** Path of a public key, or the key itself: the line that begins with RW. */
  readonly revoked: string;
  /** Path of the revoked key's secret key, or of another secret key that the same services trust. */
  readonly secretKeyFile: string;
  readonly password?: string | undefined;
}

/**
 * Makes a key pair, and a statement that names it as successor of an old key and is signed with the old key. The
 * password is for both secret keys.
 * @throws GantryError CONFIG_INVALID
 */
export async function succeedKey(
  options: SucceedOptions,
): Promise<KeyPairFiles & { readonly statement: string }> {
  const old = await readSecretKey(options.predecessor, options.password);
  const made = await keygen(options);
  const key = encodePublicKey(old);
  const file = `${keyIdOf(key)}-successor-${made.keyId}.txt`;
  const statement: KeyStatement = { kind: "successor", key, successor: made.publicKey };
  return { ...made, statement: await writeStatement(options.directory, file, statement, old) };
}

/**
 * Writes the statement that a key is revoked.
 * @returns the path of the statement
 * @throws GantryError CONFIG_INVALID
 */
export async function revokeKey(options: RevokeOptions): Promise<string> {
  const key = encodePublicKey(readPublicKey(options.revoked));
  const signer = await readSecretKey(options.secretKeyFile, options.password);
  return await writeStatement(
    options.directory,
    `${keyIdOf(key)}-revoked.txt`,
    { kind: "revoked", key },
    signer,
  );
}

/**
 * Findings for statements of a release that no trusted key has signed. Hosts ignore such statements.
 * @param root the release's directory
 * @param paths paths of the release's files
 * @param keys the keys that the release's hosts trust
 */
export function checkStatements(root: string, paths: readonly string[], keys: readonly string[]): Finding[] {
  return paths.filter(isStatementPath).flatMap((path) => {
    const where = join(root, path);
    const text = readFileSync(where, "utf8");
    if (parseStatement(text) === undefined) return [];
    const signature = existsSync(signatureOf(where)) ? readFileSync(signatureOf(where), "utf8") : "";
    if (isStatementSigned({ text, signature }, keys)) return [];
    const what = `${path} is a statement about a key that nobody has signed who may make it`;
    const fix = `put ${signatureOf(path)} beside it, as gantry keygen wrote both, and build the release again`;
    return [{ code: "SIGNATURE_INVALID", what, where, fix }];
  });
}

async function writeStatement(
  directory: string,
  name: string,
  statement: KeyStatement,
  signer: SecretKey,
): Promise<string> {
  const file = join(resolve(directory), name);
  if (existsSync(file)) {
    const what = "this statement exists already";
    throw new GantryError({ code: "CONFIG_INVALID", what, where: file, fix: "use it, or move it away" });
  }
  mkdirSync(directory, { recursive: true });
  const text = formatStatement(statement);
  const comment = `timestamp:${Math.floor(Date.now() / 1000)}\tfile:${name}\thashed`;
  const signature = formatSignature(createPrehash().update(text).digest(), signer, comment);
  await writeDurably(signatureOf(file), signature, 0o644);
  await writeDurably(file, text, 0o644);
  return file;
}
