/**
 * The port that a service gets at its next start: the value of PORT as systemd puts its environment together. Pure.
 */

/**
 * Where PORT may be set. systemd.exec(5): Environment= of later drop-ins wins over earlier ones, and a file of
 * EnvironmentFile= over both.
 */
export interface PortSources {
  /** What the release's unit says. */
  readonly unit: number;
  /** Texts of the drop-ins, by their names. */
  readonly dropIns: ReadonlyMap<string, string>;
  /** Text of the env file; empty when there is none. */
  readonly env: string;
}

/**
 * @returns undefined when PORT is set to something that is not a port number: only the app knows what it does then
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
