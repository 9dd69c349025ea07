/**
 * Decides whether a release may be installed, by its signature, by its statements about keys, and by the versions that
 * ran here. What valid statements say is saved at once, so it is kept when the release is refused afterwards.
 */
import { join } from "node:path";
import { GantryError } from "../../base/errors.ts";
import {
  applyStatements,
  isStatementPath,
  type Keyring,
  knowsSigner,
  NAMES,
  pinnedKeys,
  requireSigner,
  signatureOf,
  type SignedStatement,
  verifyMinisign,
  verifySignedFile,
} from "../../release/index.ts";
import type { Candidate } from "../releases/candidate.ts";
import type { Offered } from "../releases/import/copy-release.ts";
import type { ServiceLayout } from "../service-layout.ts";
import { checkFollows, type Allowance } from "../releases/downgrade-check.ts";
import { readHighest, readKeys, writeKeys } from "./memory.ts";

export interface Trust {
  /** Whether a release must be signed. */
  readonly pinned: () => boolean;
  /**
   * Whether this signature can be judged without the statements that a release may bring: its key is pinned or revoked,
   * or the command line names a key.
   */
  readonly knows: (signature: string, named: string) => boolean;
  /** Adds what the statements of a release say to the keys of the service, and saves it. */
  readonly learn: (offered: Pick<Offered, "listed" | "read">) => Promise<void>;
  /**
   * Checks the signature of SHA256SUMS.
   * @throws GantryError SIGNATURE_INVALID
   */
  readonly checkSums: (offered: Pick<Offered, "sums" | "signature">, named: string) => void;
  /**
   * Checks the signature of an archive.
   * @throws GantryError SIGNATURE_INVALID
   */
  readonly checkArchive: (file: string, signature: string, named: string) => void;
  /**
   * Checks that the release may be installed after those that ran here.
   * @throws GantryError USAGE for an older release, SIGNATURE_INVALID for a release that pins no key or only revoked
   *   ones
   */
  readonly checkFollows: (candidate: Candidate, named: string) => void;
}

export interface TrustOptions {
  readonly allowed?: ReadonlySet<Allowance>;
  /** The key that the command line names. It alone is trusted, unless it is revoked. */
  readonly publicKey?: string | undefined;
}

/** For a first installation: by running a release's own launcher as root, a person has decided to trust the release. */
export const OWN_RELEASE: Trust = Object.freeze({
  pinned: () => false,
  knows: () => true,
  learn: async () => undefined,
  checkSums: () => undefined,
  checkArchive: () => undefined,
  checkFollows: () => undefined,
});

/** Most statements of a release that are read: more than a publisher makes in the lifetime of an app. */
const MOST_STATEMENTS = 64;

export function openTrust(
  layout: ServiceLayout,
  installed: Candidate | undefined,
  { allowed = new Set(), publicKey }: TrustOptions = {},
): Trust {
  let ring = readKeys(layout, installed);
  const highest = readHighest(layout, installed);
  /** The keys whose signature counts. */
  const signers = (): Keyring =>
    publicKey === undefined ? ring : { pinned: pinnedKeys(publicKey), revoked: ring.revoked };
  return {
    pinned: () => signers().pinned.length > 0,
    knows: (signature, named) => publicKey !== undefined || knowsSigner(ring, signature, signatureOf(named)),
    learn: async (offered) => {
      const learnt = applyStatements(ring, readStatements(offered));
      if (isSame(learnt, ring)) return;
      await writeKeys(layout, learnt);
      ring = learnt;
    },
    checkSums: ({ sums, signature }, named) => {
      const where = join(named, NAMES.signature);
      if (signature === undefined) throw unsigned(where, "RELEASE");
      verifyMinisign(sums, signature, requireSigner(signers(), signature, where), where);
    },
    checkArchive: (file, signature, named) => {
      const where = signatureOf(named);
      verifySignedFile(file, signature, requireSigner(signers(), signature, where), where);
    },
    checkFollows: (candidate, named) => {
      const [first, ...rest] = checkFollows(candidate, { ring, highest, allowed }, named);
      if (first !== undefined) throw new GantryError(first, ...rest);
    },
  };
}

function readStatements({ listed, read }: Pick<Offered, "listed" | "read">): SignedStatement[] {
  const paths = [...listed.keys()].filter(isStatementPath).slice(0, MOST_STATEMENTS);
  return paths.flatMap((path) => {
    const [text, signature] = [read(path), read(signatureOf(path))];
    if (text === undefined || signature === undefined) return [];
    return [{ text: text.toString("utf8"), signature: signature.toString("utf8") }];
  });
}

/**
 * Whether statements have changed a keyring. Statements only add keys, so it is enough to compare the numbers of keys.
 */
export function isSame(left: Keyring, right: Keyring): boolean {
  return left.pinned.length === right.pinned.length && left.revoked.length === right.revoked.length;
}

/**
 * The error for a missing signature.
 * @param where the path at which the signature is expected
 * @param what the argument of `gantry sign` in the fix
 */
export function unsigned(where: string, what: "RELEASE" | "ARCHIVE"): GantryError {
  return new GantryError({
    code: "SIGNATURE_INVALID",
    what: "the installed release pins a key, and there is no signature for this one",
    where,
    fix: `put the publisher's signature there; it is made by: npx gantry sign ${what}`,
  });
}
