/**
 * Fetches a Bun with npm into the build's own directory, when the machine has none. For an app that runs on Node it
 * installs modules and writes lockfiles and bundles, and is not part of the release. An app that runs on Bun ships it, so
 * it gets the version that the app names, if it names one.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { GantryError } from "../../../base/errors.ts";
import type { Target } from "../../../release/index.ts";
import { outputLines, run, SELF } from "../../../base/process/index.ts";
import { toolEnvironment } from "../../../runtime/index.ts";
import type { Environment } from "../../../base/environment.ts";
import type { App } from "../app.ts";
import { findNpms } from "./find-npm.ts";

/** The version that gantry's own tests use. */
export const FETCHED_BUN = "1.4.5";

export interface FetchBunOptions {
  /** The private directory in which the Bun is installed. */
  readonly directory: string;
  /** This machine's target. */
  readonly host: Target;
  readonly environment: Environment;
  readonly log?: { readonly info: (text: string) => void };
}

/** The `fetch` option of findBun for an app. */
export function bunFetcher(app: FetchingApp, options: FetchBunOptions): () => Promise<string> {
  return () => fetchBun(app, options);
}

interface FetchingApp {
  readonly settings: Pick<App["settings"], "runtime">;
  readonly packageJson: App["packageJson"];
}

/** The version or range of Bun that a package.json asks for. */
function askedVersion({
  packageManager,
  dependencies,
  devDependencies,
}: App["packageJson"]): string | undefined {
  const manager = typeof packageManager === "string" ? /^bun@([^+]+)/.exec(packageManager)?.[1] : undefined;
  return [manager, devDependencies?.["bun"], dependencies?.["bun"]].find(
    (spec) => spec !== undefined && /^[~^]?\d+(?:\.\d+){0,2}$/.test(spec),
  );
}

/**
 * Fetches a Bun.
 * @returns the path of the executable
 * @throws GantryError CONFIG_INVALID when there is no npm, NETWORK_FAILED with what npm printed
 */
async function fetchBun(
  { settings, packageJson }: FetchingApp,
  { directory, host, environment, log }: FetchBunOptions,
): Promise<string> {
  const [npm] = findNpms(environment);
  const missing = "no Bun was found in the app's node_modules or on the PATH";
  const fix = "add Bun to the app (npm install --save-dev bun), or name one with --bun PATH";
  if (npm === undefined)
    throw new GantryError({
      code: "CONFIG_INVALID",
      what: `${missing}, and no npm that could fetch one`,
      fix,
    });
  const ships = settings.runtime === "bun";
  const version = (ships ? askedVersion(packageJson) : undefined) ?? FETCHED_BUN;
  const name = packageOf(host);
  const fate = ships
    ? 'it goes into the release; "npm install --save-dev --save-exact bun" in the app fixes its version'
    : "it does not go into the release";
  log?.info(`fetching Bun ${version} to build with; ${fate}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), '{ "name": "gantry-scratch", "private": true }\n');
  const quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--no-update-notifier"];
  const args = ["install", `--prefix=${directory}`, "--ignore-scripts", ...quiet, "--loglevel=error"];
  const path = [dirname(SELF.executable), environment["PATH"] ?? ""].join(delimiter);
  const result = await run(npm, [...args, `${name}@${version}`], {
    cwd: directory,
    environment: toolEnvironment(environment, { PATH: path }),
  });
  const file = join(directory, "node_modules", name, "bin", "bun");
  if (result.code === 0 && existsSync(file)) return file;
  throw new GantryError({
    code: "NETWORK_FAILED",
    what: `${missing}, and npm could not fetch ${name}@${version}`,
    detail: outputLines(result.stderr).slice(0, 6),
    fix: `check the network, or ${fix}`,
  });
}

/** Name of the npm package that contains Bun's executable for a machine. */
function packageOf({ os, arch, libc }: Target): string {
  return `@oven/bun-${os}-${arch === "arm64" ? "aarch64" : arch}${libc === "musl" ? "-musl" : ""}`;
}
