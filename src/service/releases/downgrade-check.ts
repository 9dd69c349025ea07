/**
 * Decides whether a release may be installed after those that the service ran: it must not be older, and must pin a key
 * if one is pinned. Pure.
 */
import type { Finding } from "../../base/errors.ts";
import { keyIdOf, type Keyring, pinnedKeys, trustedKeys } from "../../release/index.ts";
import { shellWord } from "../../base/text.ts";
import { compareVersions } from "../../base/versions.ts";
import type { Candidate } from "./candidate.ts";

/** What a person may allow on the command line. Other refusals cannot be lifted. */
export type Allowance = "downgrade" | "drop-key";

export interface TrustFacts {
  readonly ring: Keyring;
  /** The highest version that the service ran, see readHighest. */
  readonly highest: string | undefined;
  readonly allowed: ReadonlySet<Allowance>;
}

/**
 * The reasons why a release may not be installed after those that the service ran. Empty when it may.
 * @param where the source as the person named it, for messages
 */
export function checkFollows(
  candidate: Pick<Candidate, "name" | "version" | "publicKey">,
  { ring, highest, allowed }: TrustFacts,
  where: string,
): Finding[] {
  return [
    ...(allowed.has("downgrade") ? [] : checkVersion(candidate, highest, where)),
    ...checkPins(candidate, ring, allowed, where),
  ];
}

function checkVersion(
  { name, version }: Pick<Candidate, "name" | "version">,
  highest: string | undefined,
  where: string,
): Finding[] {
  if (highest === undefined || highest === version) return [];
  const order = compareVersions(version, highest);
  if (order !== undefined && order >= 0) return [];
  const why = order === undefined ? "they cannot be compared" : "it is older";
  return [
    {
      code: "USAGE",
      what: `this is ${name} ${version}, and ${highest} ran here before: ${why}`,
      where,
      fix: `take a newer release; on purpose: ./gantry upgrade ${shellWord(where)} --allow-downgrade, or ./gantry rollback`,
    },
  ];
}

function checkPins(
  { version, publicKey }: Pick<Candidate, "version" | "publicKey">,
  ring: Keyring,
  allowed: ReadonlySet<Allowance>,
  where: string,
): Finding[] {
  const pins = pinnedKeys(publicKey);
  if (pins.length === 0 && ring.pinned.length > 0 && !allowed.has("drop-key")) {
    const ids = ring.pinned.map(keyIdOf).join(" or ");
    return [
      {
        code: "SIGNATURE_INVALID",
        what: `${version} pins no key, and this service takes only what key ${ids} has signed: nothing after it would be checked`,
        where,
        fix: "take a release that is built with --public-key; to go without a signature from now on, add --drop-key",
      },
    ];
  }
  if (pins.length === 0 || trustedKeys({ pinned: pins, revoked: ring.revoked }).length > 0) return [];
  return [
    {
      code: "SIGNATURE_INVALID",
      what: `${version} pins only keys that are revoked`,
      where,
      fix: "take a release that is built with its publisher's new key",
    },
  ];
}
