/** /etc/NAME/env: made from the release's example, with every line commented out. An existing file is not changed. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { ensureDirectory, readOptionalText, writeDurably } from "../base/files/index.ts";
import { NAMES } from "../release/index.ts";
import type { ServiceLayout } from "./service-layout.ts";

const HEADER = `# Settings of APP.service, one NAME=value a line, read by systemd (systemd.exec(5), EnvironmentFile=).
# After a change: systemctl restart APP. Below is the release's own example; upgrades leave this file alone.

`;

/**
 * Makes the env file if it does not exist.
 * @returns whether the file was made now
 */
export async function ensureEnv(layout: ServiceLayout, releaseRoot: string): Promise<boolean> {
  ensureDirectory(layout.etc, 0o755);
  if (existsSync(layout.env)) return false;
  const header = HEADER.replaceAll("APP", () => layout.name);
  const example = readOptionalText(join(releaseRoot, NAMES.envExample)) ?? "";
  await writeDurably(layout.env, `${header}${commentOut(example)}`, 0o600);
  return true;
}

/** Makes every line of an example that sets something a comment, because the values of an example must not be used. */
export function commentOut(text: string): string {
  return text.replace(/^(?=[ \t]*[^#;\s])/gm, "#");
}

/** A warning when other users have rights to the env file, which may contain secrets. Undefined when they have none. */
export function checkEnvMode(layout: ServiceLayout): string | undefined {
  const mode = statSync(layout.env, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o077) === 0 ? undefined : `others may read ${layout.env}: chmod 600 ${layout.env}`;
}
