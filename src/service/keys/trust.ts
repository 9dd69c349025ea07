/**
 * Decides whether a release may be installed: its signature, what its statements say about successors and revoked
 * keys, and whether it may follow the version that ran here. Statements are written to the disk before anything else
 * happens, also when the release is refused.
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
import { checkFollows, type Allowance } from "./decide.ts";
import { readHighest, readKeys, writeKeys } from "./memory.ts";

export interface Trust {
  /** Must a release be signed? */
  readonly pinned: () => boolean;
  /** Is the key of this signature trusted without the statements that a release may bring? */
  readonly knows: (signature: string, named: string) => boolean;
  /** Adds what the statements of a release say. */
  readonly learn: (offered: Pick<Offered, "listed" | "read">) => Promise<void>;
  /** @throws GantryError SIGNATURE_INVALID */
  readonly checkSums: (offered: Pick<Offered, "sums" | "signature">, named: string) => void;
  /** @throws GantryError SIGNATURE_INVALID */
  readonly checkArchive: (file: string, signature: string, named: string) => void;
  /** @throws GantryError USAGE for an older release, SIGNATURE_INVALID for one that drops the pinned key */
  readonly checkFollows: (candidate: Candidate, named: string) => void;
}

export interface TrustOptions {
  readonly allowed?: ReadonlySet<Allowance>;
  /** The key that the command line names. It alone is trusted, unless it is revoked. */
  readonly publicKey?: string | undefined;
}

/** For a first installation: the person who runs a release's own launcher as root has decided to trust it. */
export const OWN_RELEASE: Trust = Object.freeze({
  pinned: () => false,
  knows: () => true,
  learn: async () => undefined,
  checkSums: () => undefined,
  checkArchive: () => undefined,
  checkFollows: () => undefined,
});

/** More statements than a publisher makes in the lifetime of an app. */
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

/** Have two keyrings the same number of keys? Statements only ever add keys. */
export function isSame(left: Keyring, right: Keyring): boolean {
  return left.pinned.length === right.pinned.length && left.revoked.length === right.revoked.length;
}

/** @param what the word for it in the message */
export function unsigned(where: string, what: "RELEASE" | "ARCHIVE"): GantryError {
  return new GantryError({
    code: "SIGNATURE_INVALID",
    what: "the installed release pins a key, and there is no signature for this one",
    where,
    fix: `put the publisher's signature there; it is made by: npx gantry sign ${what}`,
  });
}
