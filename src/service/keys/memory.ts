/**
 * Reads and writes the pinned and the revoked keys of a service. They are in a file that only root can read and that
 * outlives every release. The highest version that the service ran is read from its history. An uninstallation keeps
 * both files, and `--purge` removes them.
 */
import * as v from "valibot";
import { GantryError } from "../../base/errors.ts";
import { readOptionalText, writeDurably } from "../../base/files/index.ts";
import { type Keyring, pinnedKeys } from "../../release/index.ts";
import { compareVersions } from "../../base/versions.ts";
import type { Candidate } from "../releases/candidate.ts";
import { readHistory } from "../transaction/history.ts";
import { generationVersion, type ServiceLayout } from "../service-layout.ts";

const KeysSchema = v.strictObject({
  schema: v.literal(1),
  pinned: v.array(v.string()),
  revoked: v.array(v.string()),
});

/**
 * Reads the keys of a service.
 * @param installed the generation in charge; when there is no file of keys, its manifest says which keys are pinned
 * @throws GantryError IO_FAILED for a file that cannot be parsed
 */
export function readKeys(
  layout: ServiceLayout,
  installed: Pick<Candidate, "publicKey"> | undefined,
): Keyring {
  const text = readOptionalText(layout.keys);
  if (text === undefined) return { pinned: pinnedKeys(installed?.publicKey), revoked: [] };
  const keys = parseKeys(text);
  if (keys !== undefined) return { pinned: keys.pinned, revoked: keys.revoked };
  throw new GantryError({
    code: "IO_FAILED",
    what: "the keys that this service trusts cannot be read",
    where: layout.keys,
    fix: "remove the file to trust the key that the installed release pins; revoked keys are forgotten with it",
  });
}

function parseKeys(text: string): v.InferOutput<typeof KeysSchema> | undefined {
  try {
    const result = v.safeParse(KeysSchema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

export async function writeKeys(layout: ServiceLayout, { pinned, revoked }: Keyring): Promise<void> {
  await writeDurably(layout.keys, `${JSON.stringify({ schema: 1, pinned, revoked })}\n`, 0o600);
}

/**
 * Pins the keys that a release names, and keeps the revoked ones. Called when an installation or an upgrade is
 * confirmed: the next release has to be signed with one of these keys.
 */
export async function rememberPins(layout: ServiceLayout, to: Pick<Candidate, "publicKey">): Promise<void> {
  const { revoked } = readKeys(layout, to);
  await writeKeys(layout, { pinned: pinnedKeys(to.publicKey), revoked });
}

/**
 * The highest of the installed version and of those that the history records as `done`, also when a rollback has gone
 * back from them. Undefined when there is none.
 */
export function readHighest(
  layout: ServiceLayout,
  installed: Pick<Candidate, "version"> | undefined,
): string | undefined {
  const ran = readHistory(layout).entries.filter(({ outcome }) => outcome === "done");
  let highest = installed?.version;
  for (const version of ran.flatMap(({ to }) => generationVersion(to ?? "") ?? [])) {
    if (highest === undefined || (compareVersions(version, highest) ?? 0) > 0) highest = version;
  }
  return highest;
}
