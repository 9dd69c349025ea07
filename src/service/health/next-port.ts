/**
 * The port that a service gets at its next start: the value that PORT has in the environment that systemd makes. Pure.
 */

/**
 * Where PORT may be set. Environment= of a later drop-in overrides earlier ones and the unit, and EnvironmentFile=
 * overrides all of them (systemd.exec(5)).
 */
export interface PortSources {
  /** The value in the release's unit. */
  readonly unit: number;
  /** Texts of the drop-ins, by their names. */
  readonly dropIns: ReadonlyMap<string, string>;
  /** Text of the env file; empty when there is none. */
  readonly env: string;
}

/**
 * The value of PORT at the next start.
 * @returns undefined when PORT is not set to a port number: what the app does then is not known
 */
export function nextPort({ unit, dropIns, env }: PortSources): number | undefined {
  let found: string | undefined;
  for (const name of [...dropIns.keys()].toSorted()) {
    for (const line of (dropIns.get(name) ?? "").split("\n")) {
      if (/^\s*Environment\s*=/.test(line)) found = /[\s"'=]PORT=([^\s"']*)/.exec(line)?.[1] ?? found;
    }
  }
  for (const line of env.split("\n")) {
    const value = /^\s*PORT\s*=(.*)$/.exec(line)?.[1];
    if (value !== undefined) found = value.trim().replace(/^(["'])(.*)\1$/, "$2");
  }
  if (found === undefined) return unit;
  return /^[1-9]\d{0,4}$/.test(found) ? Number(found) : undefined;
}
