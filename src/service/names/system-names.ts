/**
 * Checks and takes the names of a service on the host. A service has the name of its app's binary. A unit, usually a
 * user and a group, and directories in /opt, /etc, /var/lib, /var/cache, /var/log and /run have that name too. What has
 * it already, without gantry's mark of this app (marks.ts), belongs to another program. The installation is then
 * refused before it changes anything.
 */
import { lstatSync } from "node:fs";
import { join, relative } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { isThere, readNames, readOptionalText } from "../../base/files/index.ts";
import { NAMES } from "../../release/index.ts";
import { requireSettings } from "../installed-service.ts";
import type { Candidate } from "../releases/candidate.ts";
import type { ServiceLayout } from "../service-layout.ts";
import {
  adoptable,
  hasGroup,
  isEmpty,
  isMadeFrom,
  isOwnSysusers,
  isOwnUnit,
  ownableDirectories,
  ownParts,
  isInstalled,
  readOwnAccount,
  readOwned,
  readOwnedOrAdopted,
  readPasswd,
  readUnitUser,
  writeOwnAccount,
  writeOwned,
  type Owned,
} from "./marks.ts";
import { runOrThrow } from "../../base/process/index.ts";

/**
 * Names that are in use in /var/lib: gantry's own directory, and the directory that systemd has for dynamic users
 * (systemd.exec(5), DynamicUser=).
 */
const RESERVED: ReadonlySet<string> = new Set(["gantry", "private"]);
/**
 * Units that start NAME.service unless they name another unit (systemd.socket(5), systemd.timer(5), systemd.path(5)).
 */
const TRIGGERS = ["socket", "timer", "path"] as const;
/** Directories of sysusers.d(5) beside /etc. A file in /etc replaces one of the same name here. */
const SYSUSERS = ["/run/sysusers.d", "/usr/local/lib/sysusers.d", "/usr/lib/sysusers.d"] as const;

const ANOTHER_NAME = 'its publisher gives it another name with "gantry.binary"';

/**
 * Checks that every name of a service is free, or is this app's own.
 * @param candidate the release that is to be installed
 * @returns the directories to record as this app's own
 * @throws GantryError NAME_TAKEN with everything that belongs to another program
 */
export async function checkNames(layout: ServiceLayout, candidate: Candidate): Promise<readonly string[]> {
  const owned = await readOwnedOrAdopted(layout, candidate.name);
  if (owned !== undefined && owned.app !== candidate.name) {
    throw new GantryError({
      code: "NAME_TAKEN",
      what: `${layout.name} is the name of another app here, ${owned.app}`,
      where: layout.owned,
      fix: `remove that one with its data (its own ./gantry uninstall --purge), or ${ANOTHER_NAME}`,
    });
  }
  const installed = isInstalled(layout);
  const [first, ...rest] = [
    ...nameFindings(layout),
    ...(await unitFindings(layout)),
    ...sysusersFindings(layout),
    ...(await userFindings(layout, candidate)),
    ...(installed ? [] : await directoryFindings(layout, candidate, owned)),
  ];
  if (first !== undefined) throw new GantryError(first, ...rest);
  // Where the service is installed already, only those directories count that readOwnedOrAdopted names.
  return installed && owned !== undefined ? owned.directories : ownableDirectories(layout);
}

/** Writes the record for an installation without one, which an early version of gantry made (readOwnedOrAdopted). */
export async function ensureMarked(layout: ServiceLayout, app: string): Promise<void> {
  if (readOwned(layout) !== undefined) return;
  const adopted = await readOwnedOrAdopted(layout, app);
  if (adopted !== undefined) await writeOwned(layout, app, adopted.directories);
}

/**
 * Checks the names, and writes the record that they belong to this app.
 * @throws GantryError NAME_TAKEN
 */
export async function recordNames(layout: ServiceLayout, candidate: Candidate): Promise<void> {
  await writeOwned(layout, candidate.name, await checkNames(layout, candidate));
}

/** Findings for names that no service can have, on any host. */
function nameFindings({ name, unit }: ServiceLayout): Finding[] {
  if (RESERVED.has(name))
    return [taken(`${name} is a name that gantry or systemd uses itself`, unit, ANOTHER_NAME)];
  // systemd.unit(5): the drop-ins of foo-.service.d belong to every unit whose name begins with foo-.
  if (name.endsWith("-")) return [taken(`a service's name cannot end in a dash`, unit, ANOTHER_NAME)];
  return [];
}

function taken(what: string, where: string, fix: string): Finding {
  return { code: "NAME_TAKEN", what, where, fix };
}

interface Unit {
  readonly id: string;
  readonly state: string;
  readonly file: string;
}

/** Units as systemd finds them: on its whole search path, generated, masked, or as an alias. */
async function readUnits(units: readonly string[]): Promise<Unit[]> {
  const text = await runOrThrow("systemctl", ["show", ...units, "-pId", "-pLoadState", "-pFragmentPath"]);
  return text
    .trim()
    .split(/\n\n+/)
    .map((block) => {
      const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(block)?.[1] ?? "";
      return { id: value("Id"), state: value("LoadState"), file: value("FragmentPath") };
    });
}

async function unitFindings(layout: ServiceLayout): Promise<Finding[]> {
  const triggers = TRIGGERS.map((type) => `${layout.name}.${type}`);
  const [service, ...others] = await readUnits([layout.unit, ...triggers]);
  const findings: Finding[] = [];
  const own = join(layout.units, layout.unit);
  const text = readOptionalText(own) ?? "";
  const there = isThere(own);
  if (there ? !isOwnUnit(layout, text) : service !== undefined && service.state !== "not-found")
    findings.push(foreignUnit(layout, service, there ? own : undefined));
  for (const { id, state, file } of others) {
    // A person has put a unit in /etc, for example the .socket unit that a release has as an example. It is accepted.
    if (state === "not-found" || file.startsWith(`${layout.units}/`)) continue;
    const what = `${id} is a unit of this host, and would start ${layout.unit}`;
    findings.push(taken(what, file === "" ? id : file, ANOTHER_NAME));
  }
  return findings;
}

function foreignUnit({ unit }: ServiceLayout, found: Unit | undefined, own: string | undefined): Finding {
  if (found?.state === "masked") {
    const where = own ?? (found.file === "" ? unit : found.file);
    return taken(`${unit} is masked on this host`, where, `systemctl unmask ${unit}`);
  }
  const known = found !== undefined && found.id !== "" && found.id !== unit ? `, as ${found.id}` : "";
  const file = own ?? (found === undefined || found.file === "" ? unit : found.file);
  const what = `${unit} is a unit of this host already${known}, and gantry did not write it`;
  return taken(what, file, ANOTHER_NAME);
}

function sysusersFindings(layout: ServiceLayout): Finding[] {
  const text = readOptionalText(layout.sysusers);
  const foreign = text !== undefined && !isOwnSysusers(layout, text) ? [layout.sysusers] : [];
  const shadowed = SYSUSERS.map((directory) => `${directory}/${layout.name}.conf`).filter(
    (path) => readOptionalText(path) !== undefined,
  );
  return [...foreign, ...shadowed].map((path) =>
    taken(`${layout.name}.conf describes users of this host already`, path, ANOTHER_NAME),
  );
}

/** Checks that the service's user does not exist, was made for this service, or is named in the app's own settings. */
async function userFindings(layout: ServiceLayout, candidate: Candidate): Promise<Finding[]> {
  const { user, userNamed } = requireSettings(candidate);
  if (userNamed) return [];
  const found = await readPasswd(user);
  const fix = `its publisher names a free user in "gantry.service.user", or this one, if it is to run as ${user}`;
  if (found === undefined) {
    if (!(await hasGroup(user))) return [];
    return [taken(`${user} is a group of this host already, whose rights the service would have`, user, fix)];
  }
  const mark = readOwnAccount(layout);
  if (mark?.user === user && mark.uid === found.uid) return [];
  if (isMadeFrom(readSysusers(layout, candidate), user, found)) return [];
  if (mark === undefined && readUnitUser(layout) === user) return [];
  const what = `${user} (uid ${found.uid}) is a user of this host already, whose files the service could read and change`;
  return [taken(what, user, fix)];
}

function readSysusers(layout: ServiceLayout, { root }: Candidate): string {
  return readOptionalText(join(root, NAMES.systemd, `${layout.name}.sysusers`)) ?? "";
}

/**
 * Makes the user of the service if it does not exist. Records a user that was made for this service.
 * @throws GantryError NAME_TAKEN when a user of that name exists and was not made for this service
 */
export async function ensureUser(layout: ServiceLayout, candidate: Candidate): Promise<void> {
  const [first, ...rest] = await userFindings(layout, candidate);
  if (first !== undefined) throw new GantryError(first, ...rest);
  const { user, userNamed } = requireSettings(candidate);
  const before = await readPasswd(user);
  const own =
    !userNamed && (before === undefined || isMadeFrom(readSysusers(layout, candidate), user, before));
  await runOrThrow("systemd-sysusers", [join(candidate.root, NAMES.systemd, `${layout.name}.sysusers`)]);
  const made = own ? await readPasswd(user) : undefined;
  const mark = readOwnAccount(layout);
  if (made !== undefined && (mark?.user !== user || mark.uid !== made.uid))
    await writeOwnAccount(layout, user, made.uid);
}

/** Checks the directories when nothing is installed under the name. */
async function directoryFindings(
  layout: ServiceLayout,
  candidate: Candidate,
  owned: Owned | undefined,
): Promise<Finding[]> {
  const { user, userNamed } = requireSettings(candidate);
  const found = await readPasswd(user);
  // A directory of the service's user, such as one from a backup, is this app's own. userFindings checks the user.
  const mine = found !== undefined && !userNamed ? found.uid : undefined;
  const kept = new Set([...(owned?.directories ?? []), ...adoptable(layout, mine)]);
  const chown = `systemd-sysusers ${NAMES.systemd}/${layout.name}.sysusers && chown -R ${user}:${user}`;
  const findings: Finding[] = [];
  for (const path of [...ownableDirectories(layout), layout.runtime]) {
    if (kept.has(path) || isFree(path)) continue;
    const isData = path === layout.data && !userNamed;
    findings.push(
      taken(
        `${path} is there already, and not known to be ${layout.name}'s`,
        path,
        isData
          ? `if it is this app's data: ${chown} ${path}; else ${ANOTHER_NAME}`
          : `move it away if nobody needs it; else ${ANOTHER_NAME}`,
      ),
    );
  }
  const parts = owned !== undefined ? [] : foreignParts(layout, candidate.root);
  if (parts.length > 0) {
    const what = `${layout.opt} holds what is not ${layout.name}'s: ${parts.slice(0, 5).join(", ")}`;
    findings.push(taken(what, layout.opt, `move it away if nobody needs it; else ${ANOTHER_NAME}`));
  }
  return findings;
}

/** Whether there is nothing, or an empty directory. A link is not free. */
function isFree(path: string): boolean {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  return facts === undefined || (facts.isDirectory() && isEmpty(path));
}

/**
 * The names in /opt/NAME that are not this app's. Called where there is no record.
 * @param root the release that is to be installed; it may be /opt/NAME itself, or be inside it
 */
function foreignParts(layout: ServiceLayout, root: string): string[] {
  const { opt } = layout;
  const facts = lstatSync(opt, { throwIfNoEntry: false });
  if (facts === undefined) return [];
  if (!facts.isDirectory()) return ["a link"];
  const [first = ""] = relative(opt, root).split("/");
  const parts = new Set(ownParts(layout).map((path) => relative(opt, path)));
  return readNames(opt).filter((name) => {
    if (parts.has(name)) return true;
    return first === ".." || (first !== "" && first !== name);
  });
}
