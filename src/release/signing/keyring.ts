/**
 * A keyring: the keys that may sign the releases of a service. Statements change it. They are small signed texts: a key
 * names its successor, or is revoked, by itself or by another trusted key. Pure.
 */
import { GantryError } from "../../base/errors.ts";
import { encodePublicKey, formatKeyId, parsePublicKey, parseSignature, verifyMinisign } from "./minisign.ts";

export interface Keyring {
  /**
   * Public keys as lines that begin with RW: a release needs a signature by one of them. Empty when none is pinned.
   * Revoked keys stay in the list, so that a service whose only key is revoked does not become one without a key.
   */
  readonly pinned: readonly string[];
  /** Keys that are never trusted again. */
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

/** Parses a statement; undefined for every other text. */
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
 * Whether a statement is signed by a key that may make it: by the key that it is about, or, for a revocation, by one of
 * `others`.
 */
export function isStatementSigned(signed: SignedStatement, others: readonly string[]): boolean {
  const statement = parseStatement(signed.text);
  if (statement === undefined) return false;
  const signers = statement.kind === "revoked" ? [statement.key, ...others] : [statement.key];
  return signers.some((key) => isSignedBy(signed, key));
}

/** Whether a path in a release is that of a statement: `keys/NAME.txt`, with `keys/NAME.txt.minisig`. */
export function isStatementPath(path: string): boolean {
  return /^keys\/[^/]+\.txt$/.test(path);
}

/** The keys that may sign: pinned and not revoked. */
export function trustedKeys({ pinned, revoked }: Keyring): string[] {
  return pinned.filter((key) => !revoked.includes(key));
}

/**
 * Applies statements to a keyring. A statement without a valid signature changes nothing. Successors are applied before
 * revocations, because a key may name its successor and be revoked at the same time.
 */
export function applyStatements(ring: Keyring, statements: readonly SignedStatement[]): Keyring {
  const said = statements.flatMap((signed) => {
    const statement = parseStatement(signed.text);
    return statement === undefined ? [] : [{ statement, signed }];
  });
  const trusted = new Set(trustedKeys(ring));
  // A pass may add a key whose own successor was skipped earlier in the same pass.
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
 * The trusted key of a keyring that a signature names. The signature itself is not verified here.
 * @param where the signature's file, for messages
 * @throws GantryError SIGNATURE_INVALID when the signature names another key, or a revoked one
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

/** Whether the key that a signature names is in the keyring, trusted or revoked. */
export function knowsSigner(ring: Keyring, signature: string, where: string): boolean {
  const signer = signerOf(signature, where);
  return [...ring.pinned, ...ring.revoked].some((key) => keyIdOf(key) === signer);
}

function signerOf(signature: string, where: string): string {
  return formatKeyId(parseSignature(signature, where).keyId);
}

/** The key's id, as minisign shows it. */
export function keyIdOf(key: string): string {
  return formatKeyId(parsePublicKey(key).keyId);
}

/** The keys that a manifest pins, as lines that begin with RW. */
export function pinnedKeys(publicKey: string | readonly string[] | undefined): string[] {
  if (publicKey === undefined) return [];
  return [publicKey].flat().map((key) => encodePublicKey(parsePublicKey(key)));
}
