/**
 * Every path of an installed service, below a root, which is `/` on a host. People, units and configuration management
 * rely on the names in /opt/NAME, /etc/NAME and /var/lib/NAME. The files in /var/lib/gantry/NAME are gantry's own. They
 * are not in /opt/NAME, because they outlive every release and must be writable when /opt is full.
 */
import { join } from "node:path";
import { GantryError } from "../base/errors.ts";

export interface ServiceLayout {
  /** The name of the binary. The unit, the directories and usually the user have the same name. */
  readonly name: string;
  readonly unit: string;
  readonly opt: string;
  readonly releases: string;
  /** A link to the generation that the unit starts. */
  readonly current: string;
  /** A link to the generation that was confirmed last. At boot its launcher ends an interrupted change. */
  readonly fallback: string;
  readonly etc: string;
  readonly env: string;
  /** The app's data. Removed only on request. */
  readonly data: string;
  readonly cache: string;
  readonly logs: string;
  readonly units: string;
  readonly sysusers: string;
  /** gantry's own directory for this service. Only root can read it. */
  readonly state: string;
  /** The write-ahead record. Exists only during a change. */
  readonly record: string;
  readonly history: string;
  /** Trusted and revoked keys. */
  readonly keys: string;
  readonly activated: string;
  /** A complete copy of the data. Exists only during an upgrade. */
  readonly snapshot: string;
  /** The data of a release that was given up. It is kept when the snapshot replaces it. */
  readonly replaced: string;
  /** The record of the directories on this host that belong to this app (names/marks.ts). */
  readonly owned: string;
  /** The record of the user that gantry made. `--purge` removes neither the record nor the user. */
  readonly account: string;
  /** The runtime directory, which systemd makes for each run. */
  readonly runtime: string;
  /** The stderr of the command that copies data. */
  readonly copyLog: string;
  /** The lock of the service. It is in a file system that a reboot empties, so no lock remains after a reboot. */
  readonly lock: string;
  /** The directory of systemd's temporary units, which a reboot empties. */
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
    // This is not the `state` of any service, because the name of an app does not begin with a dot.
    account: join(root, "var/lib/gantry", `.${name}.user`),
    runtime: join(root, "run", name),
    copyLog: join(root, "run", `gantry-${name}.copy`),
    lock: join(root, "run", `gantry-${name}.lock`),
    runUnits: join(root, "run/systemd/system"),
  });
}

/**
 * The name of a unit that gantry adds to a service: gantry-PURPOSE@NAME.service. The name of an app has no `@`
 * (src/build/app/settings/settings.ts), so no other app's service has the same name. An early version used names such as
 * NAME-activate.service, which the service of an app named NAME-activate has too.
 */
export function derivedUnit({ name }: Pick<ServiceLayout, "name">, purpose: string): string {
  return `gantry-${purpose}@${name}.service`;
}

/** Hexadecimal digits of a release's id in the name of its generation. */
const DIGEST_LENGTH = 12;
const GENERATION = /^([A-Za-z0-9][A-Za-z0-9.+-]*)-([0-9a-f]{12})$/;

/**
 * The name of a generation's directory in releases/: the version and the beginning of the release id, such as
 * `0.1.0-1f2e3d4c5b6a`.
 * @throws GantryError MANIFEST_INVALID for a version that cannot be part of a file name
 */
export function generationName(version: string, releaseId: string): string {
  const name = `${version}-${releaseId.slice(0, DIGEST_LENGTH)}`;
  if (GENERATION.test(name)) return name;
  const what = `the version "${version}" cannot be part of a directory's name`;
  throw new GantryError({ code: "MANIFEST_INVALID", what, fix: "give the app a version like 1.2.3" });
}

/** The version in the name of a generation. Undefined for any other name. */
export function generationVersion(name: string): string | undefined {
  return GENERATION.exec(name)?.[1];
}
