/** /etc/NAME/env: made once from the release's example, with every line commented out, and never written again. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { readOptionalText, writeDurably } from "../base/files/index.ts";
import { NAMES } from "../release/index.ts";
import { ensureDirectory } from "./releases/generations.ts";
import type { ServiceLayout } from "./service-layout.ts";

const HEADER = `# Settings of APP.service, one NAME=value a line, read by systemd (systemd.exec(5), EnvironmentFile=).
# After a change: systemctl restart APP. Below is the release's own example; upgrades leave this file alone.

`;

/** @returns true when the file was made now */
export async function ensureEnv(layout: ServiceLayout, releaseRoot: string): Promise<boolean> {
  ensureDirectory(layout.etc, 0o755);
  if (existsSync(layout.env)) return false;
  const header = HEADER.replaceAll("APP", () => layout.name);
  const example = readOptionalText(join(releaseRoot, NAMES.envExample)) ?? "";
  await writeDurably(layout.env, `${header}${commentOut(example)}`, 0o600);
  return true;
}

/** Makes every line that sets something a comment, because the values of an example are not settings. */
export function commentOut(text: string): string {
  return text.replace(/^(?=[ \t]*[^#;\s])/gm, "#");
}

/** A warning about an env file that other users can read, because it may hold secrets. */
export function checkEnvMode(layout: ServiceLayout): string | undefined {
  const mode = statSync(layout.env, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o077) === 0 ? undefined : `others may read ${layout.env}: chmod 600 ${layout.env}`;
}
