/**
 * Which keys may sign the releases of a service, and how that changes: by statements, small texts that are signed as any
 * file is. A key names its successor, or it is revoked, by itself or by a key that is trusted. Pure.
 */
import { GantryError } from "../../base/errors.ts";
import { encodePublicKey, formatKeyId, parsePublicKey, parseSignature, verifyMinisign } from "./minisign.ts";

export interface Keyring {
  /**
   * Lines that begin with RW: one of these keys has to have signed a release. Empty where none is pinned; revoked keys
   * stay, because a service whose only key is revoked is still one with a pinned key.
   */
  readonly pinned: readonly string[];
  /** Never trusted again, whatever says so. */
  readonly revoked: readonly string[];
}

export type KeyStatement =
  | { readonly kind: "successor"; readonly key: string; readonly successor: string }
  | { readonly kind: "revoked"; readonly key: string };

export interface SignedStatement {
  readonly text: string;
  /** The text of its .minisig. */
  readonly signature: string;
}

const TITLE = "gantry key statement 1";
const KEY = "RW[A-Za-z0-9+/]{54}";
const STATEMENT = new RegExp(`^${TITLE}\\nkey (${KEY})\\n(?:is succeeded by (${KEY})|is revoked)\\n$`);

export function formatStatement(statement: KeyStatement): string {
  const said = statement.kind === "revoked" ? "is revoked" : `is succeeded by ${statement.successor}`;
  return `${TITLE}\nkey ${statement.key}\n${said}\n`;
}

/** Undefined for every other text. */
export function parseStatement(text: string): KeyStatement | undefined {
  const [, key, successor] = STATEMENT.exec(text) ?? [];
  if (key === undefined || ![key, successor ?? key].every(isKey)) return undefined;
  return successor === undefined ? { kind: "revoked", key } : { kind: "successor", key, successor };
}

function isKey(line: string): boolean {
  try {
    return encodePublicKey(parsePublicKey(line)) === line;
  } catch {
    return false;
  }
}

/**
 * Does a statement hold, as far as its publisher can tell: signed by the key that it is about, or, to revoke, by one of
 * `others`?
 */
export function isStatementSigned(signed: SignedStatement, others: readonly string[]): boolean {
  const statement = parseStatement(signed.text);
  if (statement === undefined) return false;
  const signers = statement.kind === "revoked" ? [statement.key, ...others] : [statement.key];
  return signers.some((key) => isSignedBy(signed, key));
}

/** Where a release carries statements: `keys/NAME.txt`, and `keys/NAME.txt.minisig`. */
export function isStatementPath(path: string): boolean {
  return /^keys\/[^/]+\.txt$/.test(path);
}

/** Keys that may sign. */
export function trustedKeys({ pinned, revoked }: Keyring): string[] {
  return pinned.filter((key) => !revoked.includes(key));
}

/**
 * What statements make of a keyring. One that is not signed by whoever may say so changes nothing. Successors come
 * first: a key that is given up names its successor and is revoked at once.
 */
export function applyStatements(ring: Keyring, statements: readonly SignedStatement[]): Keyring {
  const said = statements.flatMap((signed) => {
    const statement = parseStatement(signed.text);
    return statement === undefined ? [] : [{ statement, signed }];
  });
  const trusted = new Set(trustedKeys(ring));
  // Each pass may make a key trusted whose own successor was looked at before.
  for (let before = -1; before !== trusted.size;) {
    before = trusted.size;
    for (const { statement, signed } of said) {
      if (statement.kind !== "successor" || ring.revoked.includes(statement.successor)) continue;
      if (trusted.has(statement.key) && isSignedBy(signed, statement.key)) trusted.add(statement.successor);
    }
  }
  const revoked = new Set(ring.revoked);
  for (const { statement, signed } of said) {
    if (statement.kind !== "revoked") continue;
    if ([statement.key, ...trusted].some((key) => isSignedBy(signed, key))) revoked.add(statement.key);
  }
  return { pinned: [...new Set([...ring.pinned, ...trusted])], revoked: [...revoked] };
}

function isSignedBy({ text, signature }: SignedStatement, key: string): boolean {
  try {
    verifyMinisign(Buffer.from(text), signature, key);
    return true;
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    return false;
  }
}

/**
 * The key of a keyring that made a signature.
 * @param where the signature's file, for messages
 * @throws GantryError SIGNATURE_INVALID when it is none of them, or revoked
 */
export function requireSigner(ring: Keyring, signature: string, where: string): string {
  const signer = signerOf(signature, where);
  const found = trustedKeys(ring).find((key) => keyIdOf(key) === signer);
  if (found !== undefined) return found;
  const ids = trustedKeys(ring).map(keyIdOf);
  const trusted = ids.length === 0 ? "no key is trusted any more" : `the key to trust is ${ids.join(" or ")}`;
  const isRevoked = ring.revoked.some((key) => keyIdOf(key) === signer);
  throw new GantryError({
    code: "SIGNATURE_INVALID",
    what: `signed with key ${signer}, ${isRevoked ? "which is revoked" : `and ${trusted}`}`,
    where,
    fix: "take the release and its signature from their publisher again; a new key comes with a statement of the old one",
  });
}

/** Does a keyring say of the key of a signature that it is trusted, or that it is not? */
export function knowsSigner(ring: Keyring, signature: string, where: string): boolean {
  const signer = signerOf(signature, where);
  return [...ring.pinned, ...ring.revoked].some((key) => keyIdOf(key) === signer);
}

function signerOf(signature: string, where: string): string {
  return formatKeyId(parseSignature(signature, where).keyId);
}

/** As minisign shows it. */
export function keyIdOf(key: string): string {
  return formatKeyId(parsePublicKey(key).keyId);
}

/** The keys that a manifest pins, as lines that begin with RW. */
export function pinnedKeys(publicKey: string | readonly string[] | undefined): string[] {
  if (publicKey === undefined) return [];
  return [publicKey].flat().map((key) => encodePublicKey(parsePublicKey(key)));
}
