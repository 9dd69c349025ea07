/**
 * The record of the directories and the user on this host that belong to this app. Only root can read and write it. It
 * is written before anything else of a service is made. Units have a mark in a comment instead. An uninstallation
 * removes only what has a mark, and files whose names only gantry uses.
 */
import { lstatSync } from "node:fs";
import { basename, join } from "node:path";
import * as v from "valibot";
import { GantryError } from "../../base/errors.ts";
import { isThere, readNames, readOptionalText, writeDurably } from "../../base/files/index.ts";
import type { ServiceLayout } from "../service-layout.ts";
import { runProgram } from "../../base/process/index.ts";

const OwnedSchema = v.object({
  schema: v.literal(1),
  /** The app's name. Two apps may have binaries of the same name. */
  app: v.string(),
  /** The directories of which everything belongs to the service. */
  directories: v.array(v.string()),
});
export type Owned = Readonly<v.InferOutput<typeof OwnedSchema>>;

const AccountSchema = v.object({ schema: v.literal(1), user: v.string(), uid: v.number() });
export type OwnAccount = Readonly<v.InferOutput<typeof AccountSchema>>;

/**
 * Reads the record of directories. Undefined when there is none.
 * @throws GantryError IO_FAILED for a damaged record, which must not be taken for a missing one
 */
export function readOwned({ owned }: ServiceLayout): Owned | undefined {
  return readMark(OwnedSchema, owned);
}

export function readOwnAccount({ account }: ServiceLayout): OwnAccount | undefined {
  return readMark(AccountSchema, account);
}

function readMark<S extends v.GenericSchema>(schema: S, path: string): v.InferOutput<S> | undefined {
  const text = readOptionalText(path);
  if (text === undefined) return undefined;
  const result = v.safeParse(schema, parseJson(text));
  if (result.success) return result.output;
  const what = "gantry's record of what belongs to this app cannot be read";
  throw new GantryError({ code: "IO_FAILED", what, where: path, fix: `rm ${path}` });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function writeOwned({ owned }: ServiceLayout, app: string, directories: readonly string[]) {
  await writeDurably(owned, `${JSON.stringify({ schema: 1, app, directories })}\n`, 0o600);
}

/** Removes directories that no longer exist from the record, because another program may make them later. */
export async function trimOwned(layout: ServiceLayout): Promise<void> {
  const owned = readOwned(layout);
  if (owned === undefined) return;
  await writeOwned(layout, owned.app, owned.directories.filter(isThere));
}

export async function writeOwnAccount({ account }: ServiceLayout, user: string, uid: number): Promise<void> {
  await writeDurably(account, `${JSON.stringify({ schema: 1, user, uid })}\n`, 0o600);
}

/** Whether gantry made the user with this uid for this service. */
export function ownsAccount(layout: ServiceLayout, uid: number): boolean {
  return readOwnAccount(layout)?.uid === uid;
}

/** The directories of which everything may belong to a service. Of /opt/NAME only parts do (ownParts). */
export function ownableDirectories({ etc, data, cache, logs }: ServiceLayout): string[] {
  return [data, etc, cache, logs];
}

/** The parts of /opt/NAME that gantry makes. */
export function ownParts({ releases, current, fallback }: ServiceLayout): string[] {
  return [current, fallback, releases];
}

/** Whether this is the text of the service's unit as gantry writes it. */
export function isOwnUnit(layout: ServiceLayout, text: string): boolean {
  return /^# Made by gantry /m.test(text) && text.includes(`\nExecStart=${layout.current}/${layout.name}`);
}

/**
 * Whether this is the text of a unit of gantry that ends an interrupted change of this service (formatRecoveryUnit).
 */
export function isOwnHelper({ name }: ServiceLayout, text: string): boolean {
  return text.startsWith(
    `# Ends an interrupted upgrade of ${name} in one whole generation. Made by gantry.\n`,
  );
}

export function isOwnSysusers(layout: ServiceLayout, text: string): boolean {
  return text.startsWith(`# The user that ${layout.unit} runs as `);
}

/**
 * Whether a history or a unit shows an installation. Called where there is no record: an early version of gantry wrote
 * none, and a person may have installed a release's files by hand.
 */
function isInstalledUnmarked(layout: ServiceLayout): boolean {
  return readOptionalText(layout.history) !== undefined || isInstalled(layout);
}

/** Whether the service's unit, as gantry writes it, is in /etc. A person may have copied it there from a release. */
export function isInstalled(layout: ServiceLayout): boolean {
  return isOwnUnit(layout, readOptionalText(join(layout.units, layout.unit)) ?? "");
}

/**
 * The record. Without a record, but with an installation: the directories that are certainly the service's (adoptable).
 */
export async function readOwnedOrAdopted(layout: ServiceLayout, app: string): Promise<Owned | undefined> {
  const owned = readOwned(layout);
  if (owned !== undefined) return owned;
  if (!isInstalledUnmarked(layout)) return undefined;
  const uid = await readUnitUid(layout);
  return { schema: 1, app, directories: adoptable(layout, uid) };
}

/**
 * The directories that count as the service's where there is no record: those that do not exist, are empty, or belong
 * to its user, and /etc/NAME when it has nothing but settings.
 * @param uid the user of the service; undefined when there is none
 */
export function adoptable(layout: ServiceLayout, uid: number | undefined): string[] {
  return ownableDirectories(layout).filter((path) => {
    const facts = lstatSync(path, { throwIfNoEntry: false });
    if (facts === undefined) return true;
    if (!facts.isDirectory()) return false;
    if (path === layout.etc) return holdsSettingsAlone(layout);
    return isEmpty(path) || (uid !== undefined && uid !== 0 && facts.uid === uid);
  });
}

function holdsSettingsAlone({ etc, env }: ServiceLayout): boolean {
  return readNames(etc).every((name) => name === basename(env) || name === "credentials");
}

/** Whether a directory is empty. `lost+found`, which a new file system has, does not count. */
export function isEmpty(path: string): boolean {
  return readNames(path).every((name) => name === "lost+found");
}

/**
 * The uid of the user that the service's unit in /etc names. Undefined when it names none, or the user does not exist.
 */
async function readUnitUid(layout: ServiceLayout): Promise<number | undefined> {
  const user = readUnitUser(layout);
  return user === undefined ? undefined : (await readPasswd(user))?.uid;
}

/** The name of the user in the service's unit in /etc. Undefined when gantry did not write the unit. */
export function readUnitUser(layout: ServiceLayout): string | undefined {
  const text = readOptionalText(join(layout.units, layout.unit)) ?? "";
  return isOwnUnit(layout, text) ? /^User=(.*)$/m.exec(text)?.[1] : undefined;
}

export interface Passwd {
  readonly uid: number;
  readonly gecos: string;
  readonly home: string;
}

/** A user as getent(1) finds it, by the sources of the host's nsswitch.conf. */
export async function readPasswd(user: string): Promise<Passwd | undefined> {
  const { code, stdout } = await runProgram("getent", ["passwd", user]);
  const [name, , uid = "", , gecos = "", home = ""] = stdout.trimEnd().split(":");
  return code === 0 && name === user ? { uid: Number(uid), gecos, home } : undefined;
}

export async function hasGroup(group: string): Promise<boolean> {
  return (await runProgram("getent", ["group", group])).code === 0;
}

/**
 * Whether systemd-sysusers made this user from the line in the release's sysusers file. Name, comment and home
 * directory are then those of the line.
 * @param sysusers the text of that file
 */
export function isMadeFrom(sysusers: string, user: string, { gecos, home }: Passwd): boolean {
  const [, words = "", place = ""] = new RegExp(`^u ${user} - "([^"]*)" (\\S+)$`, "m").exec(sysusers) ?? [];
  return place !== "" && home === place && gecos === words.replaceAll("%%", "%");
}
