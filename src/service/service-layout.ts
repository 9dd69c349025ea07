/**
 * Every path of an installed service, in one place, below a root that is `/` on a host. People, units and
 * configuration management rely on the names in /opt/NAME, /etc/NAME and /var/lib/NAME; what lies in
 * /var/lib/gantry/NAME is gantry's own: it outlives every release, and a full /opt does not silence it.
 */
import { join } from "node:path";
import { GantryError } from "../base/errors.ts";

export interface ServiceLayout {
  /** The binary's name: that of the unit, the directories and usually the user. */
  readonly name: string;
  readonly unit: string;
  readonly opt: string;
  readonly releases: string;
  /** A link to the generation that the unit starts. */
  readonly current: string;
  /** A link to the last generation that was healthy: what an interrupted upgrade goes back to, and what undoes it. */
  readonly fallback: string;
  readonly etc: string;
  readonly env: string;
  /** The app's data, which nothing here removes unless it is told to. */
  readonly data: string;
  readonly cache: string;
  readonly logs: string;
  readonly units: string;
  readonly sysusers: string;
  /** For root alone. */
  readonly state: string;
  /** Written ahead of every step of a change; it is there only while one is under way. */
  readonly record: string;
  readonly history: string;
  /** Keys that are trusted, and revoked ones. */
  readonly keys: string;
  readonly activated: string;
  /** A copy of the data, whole. */
  readonly snapshot: string;
  /** The state directory that a release wrote which was then given up. */
  readonly replaced: string;
  /** What on this host is this app's own, and nobody else's. */
  readonly owned: string;
  /** The user that gantry made for it; it outlives purging, as the user does. */
  readonly account: string;
  /** What systemd makes for each run. */
  readonly runtime: string;
  /** What the command that copies data says. */
  readonly copyLog: string;
  /** In a file system that a reboot empties: a lock of the boot before is nobody's. */
  readonly lock: string;
  /** Where systemd looks for units that a reboot forgets. */
  readonly runUnits: string;
}

export function serviceLayout(name: string, root: string): ServiceLayout {
  const opt = join(root, "opt", name);
  const etc = join(root, "etc", name);
  const state = join(root, "var/lib/gantry", name);
  return Object.freeze({
    name,
    unit: `${name}.service`,
    opt,
    releases: join(opt, "releases"),
    current: join(opt, "current"),
    fallback: join(opt, "fallback"),
    etc,
    env: join(etc, "env"),
    data: join(root, "var/lib", name),
    cache: join(root, "var/cache", name),
    logs: join(root, "var/log", name),
    units: join(root, "etc/systemd/system"),
    sysusers: join(root, "etc/sysusers.d", `${name}.conf`),
    state,
    record: join(state, "upgrade.json"),
    history: join(state, "history.jsonl"),
    keys: join(state, "keys.json"),
    activated: join(state, "activated"),
    snapshot: join(state, "snapshot"),
    replaced: join(state, "replaced-data"),
    owned: join(state, "owned.json"),
    // An app's name begins with no dot.
    account: join(root, "var/lib/gantry", `.${name}.user`),
    runtime: join(root, "run", name),
    copyLog: join(root, "run", `gantry-${name}.copy`),
    lock: join(root, "run", `gantry-${name}.lock`),
    runUnits: join(root, "run/systemd/system"),
  });
}

/**
 * A unit that gantry adds to a service. An app's name holds no `@` (src/build/app/app-settings.ts), so none of these is
 * ever the service of another app, as NAME-activate.service was that of the app NAME-activate.
 */
export function derivedUnit({ name }: Pick<ServiceLayout, "name">, purpose: string): string {
  return `gantry-${purpose}@${name}.service`;
}

/** Hexadecimal digits of a release's id in the name of its generation. */
const DIGEST_LENGTH = 12;
const GENERATION = /^([A-Za-z0-9][A-Za-z0-9.+-]*)-([0-9a-f]{12})$/;

/**
 * `0.1.0-1f2e3d4c5b6a`: the directory below releases/.
 * @throws GantryError MANIFEST_INVALID for a version that is no part of a file name
 */
export function generationName(version: string, releaseId: string): string {
  const name = `${version}-${releaseId.slice(0, DIGEST_LENGTH)}`;
  if (GENERATION.test(name)) return name;
  const what = `the version "${version}" cannot be part of a directory's name`;
  throw new GantryError({ code: "MANIFEST_INVALID", what, fix: "give the app a version like 1.2.3" });
}

/** The version in a generation's name; undefined for any other name. */
export function generationVersion(name: string): string | undefined {
  return GENERATION.exec(name)?.[1];
}
