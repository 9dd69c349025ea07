/** Makes `manifest.service`: the app's settings with every default, so that the host has no default to choose. Pure. */
import type { Service } from "../../release/index.ts";
import type { App } from "../app/index.ts";

/**
 * Users that Debian or Red Hat hosts have from the beginning. systemd-sysusers would use the existing user, and the
 * service would share that user's files.
 */
const EVERYWHERE = new Set(
  "root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc nobody adm ftp halt messagebus \
operator shutdown sshd tss _apt".split(" "),
);

/** The input for a service description. An App has these keys. */
interface ServiceSource {
  readonly name: App["name"];
  readonly packageJson: Pick<App["packageJson"], "description">;
  readonly settings: Pick<App["settings"], "binary" | "service">;
}

export function describeService({ packageJson, settings, name }: ServiceSource): Service {
  const { user, description, port, health, ...rest } = settings.service;
  return {
    user: user ?? defaultUser(settings.binary),
    ...(user === undefined ? {} : { userNamed: true }),
    description: description ?? oneLine(packageJson.description) ?? name,
    ...(port === undefined ? {} : { port }),
    ...(health === undefined ? {} : { health }),
    ...rest,
  };
}

/**
 * Makes a user name from the binary's name. systemd and useradd(8) accept it, and no host has it from the beginning.
 */
function defaultUser(binary: string): string {
  const name = binary.toLowerCase().replaceAll(/[^a-z0-9_-]/g, "-");
  const safe = /^[a-z_]/.test(name) ? name : `_${name}`;
  const free = EVERYWHERE.has(safe) || safe.startsWith("systemd-") ? `_${safe}` : safe;
  return free.slice(0, 31);
}

/**
 * Makes one line from a text. A package's description was not written for a unit, so line breaks and control characters
 * become spaces.
 */
function oneLine(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  const line = text.replaceAll(/[\p{Cc}\s]+/gu, " ").trim();
  return line === "" ? undefined : line;
}
