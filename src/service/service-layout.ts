/**
 * Every path of an installed service, below a root that is `/` on a host. People, units and configuration management
 * rely on the names in /opt/NAME, /etc/NAME and /var/lib/NAME. Files in /var/lib/gantry/NAME are gantry's own: they
 * outlive every release, and can be written when /opt is full.
 */
import { join } from "node:path";
import { GantryError } from "../base/errors.ts";

export interface ServiceLayout {
  /** The binary's name. The unit, the directories and usually the user have it too. */
  readonly name: string;
  readonly unit: string;
  readonly opt: string;
  readonly releases: string;
  /** A link to the generation that the unit starts. */
  readonly current: string;
  /** A link to the last healthy generation, to which an interrupted upgrade goes back. */
  readonly fallback: string;
  readonly etc: string;
  readonly env: string;
  /** The app's data. Removed only on request. */
  readonly data: string;
  readonly cache: string;
  readonly logs: string;
  readonly units: string;
  readonly sysusers: string;
  /** gantry's own directory of this service, for root alone. */
  readonly state: string;
  /** The write-ahead record. Exists only during a change. */
  readonly record: string;
  readonly history: string;
  /** Trusted and revoked keys. */
  readonly keys: string;
  readonly activated: string;
  /** A complete copy of the data. */
  readonly snapshot: string;
  /** Data that a release wrote which was then given up. */
  readonly replaced: string;
  /** The record of what on this host belongs to this app (names/marks.ts). */
  readonly owned: string;
  /** Names the user that gantry made. Survives `--purge`, as the user does. */
  readonly account: string;
  /** The runtime directory, which systemd makes for each run. */
  readonly runtime: string;
  /** Output of the command that copies data. */
  readonly copyLog: string;
  /** In a file system that a reboot empties, so a lock never outlives its boot. */
  readonly lock: string;
  /** Where systemd looks for units that are gone after a reboot. */
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
    // No service can have this path: an app's name does not begin with a dot.
    account: join(root, "var/lib/gantry", `.${name}.user`),
    runtime: join(root, "run", name),
    copyLog: join(root, "run", `gantry-${name}.copy`),
    lock: join(root, "run", `gantry-${name}.lock`),
    runUnits: join(root, "run/systemd/system"),
  });
}

/**
 * The name of a unit that gantry adds to a service: gantry-PURPOSE@NAME.service. An app's name holds no `@`
 * (src/build/app/app-settings.ts), so it is never the service of another app. An early version used
 * NAME-activate.service, which could be the app NAME-activate.
 */
export function derivedUnit({ name }: Pick<ServiceLayout, "name">, purpose: string): string {
  return `gantry-${purpose}@${name}.service`;
}

/** Hexadecimal digits of a release's id in the name of its generation. */
const DIGEST_LENGTH = 12;
const GENERATION = /^([A-Za-z0-9][A-Za-z0-9.+-]*)-([0-9a-f]{12})$/;

/**
 * Name of a generation's directory in releases/: `0.1.0-1f2e3d4c5b6a`, version and beginning of the release id.
 * @throws GantryError MANIFEST_INVALID for a version that cannot be part of a file name
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
