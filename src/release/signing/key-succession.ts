/**
 * How the keys of a publisher change: statements, small signed texts. A key names its successor. A key is revoked, by
 * itself or by another trusted key. Pure.
 */
import { GantryError } from "../../base/errors.ts";
import { trustedKeys, type Keyring } from "./keyring.ts";
import { encodePublicKey, parsePublicKey, verifyMinisign } from "./minisign.ts";

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
