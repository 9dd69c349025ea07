/** `upgrade STATEMENT`: adds a statement about a key (its successor, or its revocation) to a service's keys. */
import { GantryError } from "../../base/errors.ts";
import {
  applyStatements,
  keyIdOf,
  type Keyring,
  type KeyStatement,
  parseStatement,
  signatureOf,
} from "../../release/index.ts";
import type { ServiceContext } from "../service-context.ts";
import { MOST_SIGNATURE_BYTES } from "../releases/import/limits.ts";
import { readSmallNamed } from "../releases/import/source-tree.ts";
import { requireInstalled } from "../installed-service.ts";
import { withService } from "../transaction/locked.ts";
import type { ServiceResult } from "../result.ts";
import { isSame } from "./trust.ts";
import { readKeys, writeKeys } from "./memory.ts";

/**
 * Adds a statement to the keys of the service.
 * @param file the path of the statement; its signature is FILE.minisig
 * @throws GantryError RELEASE_FILE_MISSING; USAGE for a file that is no statement; SIGNATURE_INVALID for a statement
 *   that is not signed by a key that may make it
 */
export function learnStatement(context: ServiceContext, file: string): Promise<ServiceResult> {
  return withService(context, async ({ requireLock }) => {
    const { result, learnt } = planStatement(context, file);
    if (result.outcome === "unchanged") return result;
    requireLock();
    await writeKeys(context.layout, learnt);
    return { ...result, outcome: "done" };
  });
}

/** What learnStatement would add. Changes nothing. Throws what learnStatement throws. */
export function planStatement(
  { layout }: ServiceContext,
  file: string,
): { readonly result: ServiceResult; readonly learnt: Keyring } {
  const { generation, ...installed } = requireInstalled(layout);
  const [text, signature] = [readText(file), readText(signatureOf(file))];
  const statement = parseStatement(text);
  if (statement === undefined) {
    const what = "this is no statement about a key, and no release";
    const fix = "name a release, or what gantry keygen wrote";
    throw new GantryError({ code: "USAGE", what, where: file, fix });
  }
  const ring = readKeys(layout, installed);
  const learnt = applyStatements(ring, [{ text, signature }]);
  const known = isKnown(ring, statement);
  if (!known && isSame(ring, learnt)) throw notTrusted(file, statement);
  const result: ServiceResult = {
    schema: 1,
    action: "upgrade",
    name: layout.name,
    outcome: known ? "unchanged" : "planned",
    from: generation,
    to: generation,
    facts: [describe(statement)],
    next: [],
    seconds: 0,
  };
  return { result, learnt };
}

function readText(file: string): string {
  const bytes = readSmallNamed(file, MOST_SIGNATURE_BYTES);
  if (bytes !== undefined) return bytes.toString("utf8");
  const fix = "a statement is two files: NAME.txt and NAME.txt.minisig";
  throw new GantryError({ code: "RELEASE_FILE_MISSING", what: "there is no such file", where: file, fix });
}

function isKnown({ pinned, revoked }: Keyring, statement: KeyStatement): boolean {
  return statement.kind === "revoked"
    ? revoked.includes(statement.key)
    : pinned.includes(statement.successor);
}

function describe(statement: KeyStatement): string {
  const key = keyIdOf(statement.key);
  return statement.kind === "revoked"
    ? `key ${key} is revoked: nothing that it signs is taken any more`
    : `key ${keyIdOf(statement.successor)} follows key ${key}: what it signs is taken too`;
}

function notTrusted(file: string, { key, kind }: KeyStatement): GantryError {
  const who =
    kind === "revoked"
      ? "that key, or one that this service trusts"
      : "that key, which this service must trust";
  return new GantryError({
    code: "SIGNATURE_INVALID",
    what: `the statement about key ${keyIdOf(key)} is not signed by ${who}`,
    where: signatureOf(file),
    fix: "take the statement and its .minisig from the publisher again",
  });
}
