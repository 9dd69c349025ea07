/**
 * Decides options of a build that both the command line and the app's settings can give. The command line takes
 * precedence.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../base/errors.ts";
import { encodePublicKey, type Manifest, parseTarget, type Target } from "../release/index.ts";
import type { App } from "./app/index.ts";
import type { BuildOptions } from "./build-context.ts";
import type { Patterns } from "./tree/index.ts";
import { readPublicKey } from "./sign/index.ts";

type Choices = Pick<BuildOptions, "vendor" | "install"> & { readonly app: Pick<App, "settings"> };

/** How the release gets its modules. */
export function releaseInstall({ install, app }: Choices): Manifest["install"] {
  const { settings } = app;
  return install ?? settings.install ?? (settings.runtime === "node" ? "vendor" : "first-run");
}

/** What pruning keeps and leaves out beyond its rules; with pruning off everything stays. */
export function releasePatterns({
  prune,
  app,
}: Pick<BuildOptions, "prune"> & Pick<Choices, "app">): Required<Patterns> {
  const { keep, exclude } = app.settings;
  return prune === "off" ? { keep: "all", exclude: [] } : { keep, exclude };
}

/**
 * The targets whose bundles a release for `own` carries, without duplicates. `own` is first when the release is
 * installed as `vendor` or the list is empty. The named targets follow in the order of the command line.
 * @throws GantryError USAGE for a name that is no target
 */
export function vendoredTargets(choices: Choices, own: Target): Target[] {
  const named = (choices.vendor ?? []).map(parseTarget);
  const ownToo = releaseInstall(choices) === "vendor" || choices.vendor?.length === 0;
  return [...new Set(ownToo ? [own, ...named] : named)];
}

/**
 * The choices for a release of which some packages come from a bundle alone: it carries its own bundle, and its start
 * asks no registry, which would not have their files. Others are as chosen.
 */
export function withOwnBundle<T extends Choices>(choices: T, own: Target, bundled: readonly string[]): T {
  if (bundled.length === 0) return choices;
  const install = releaseInstall(choices);
  const vendor = [...new Set([own.name, ...(choices.vendor ?? [])])];
  return { ...choices, vendor, install: install === "first-run" ? "vendor" : install };
}

/**
 * The public keys that a release trusts, as lines of minisign: one key as a string, several as a list.
 * @throws GantryError CONFIG_INVALID when one is neither a key nor a file that holds one
 */
export function releasePublicKey(
  options: Pick<BuildOptions, "publicKey">,
  app: Pick<App, "dir" | "settings">,
): Manifest["publicKey"] {
  const { publicKey } = options;
  if (publicKey !== undefined) return encodePublicKey(readPublicKey(publicKey));
  const setting = app.settings.publicKey;
  if (setting === undefined) return undefined;
  return Array.isArray(setting)
    ? setting.map((one) => readSetting(one, app.dir))
    : readSetting(setting, app.dir);
}

function readSetting(setting: string, directory: string): string {
  const file = join(directory, setting);
  if (existsSync(file) || !setting.startsWith("RW")) return encodePublicKey(readPublicKey(file));
  try {
    return encodePublicKey(readPublicKey(setting));
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    throw new GantryError({
      code: "CONFIG_INVALID",
      what: `"gantry.publicKey" is no minisign public key: ${error.findings[0].what}`,
      where: join(directory, "package.json"),
      fix: "copy the line that begins with RW from the .pub file, or name that file",
    });
  }
}
