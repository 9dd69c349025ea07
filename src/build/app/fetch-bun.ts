/**
 * Fetches a Bun with npm into the build's own directory, when the machine has none. This is only for apps that run on
 * Node: for them Bun installs modules and writes lockfiles and bundles, and is not part of the release. An app that
 * runs on Bun has to bring its own, because that Bun is shipped.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { hideLogins } from "../../base/redact.ts";
import { GantryError } from "../../base/errors.ts";
import type { Target } from "../../release/index.ts";
import { run, SELF } from "../../base/process/index.ts";
import { toolEnvironment } from "../../runtime/index.ts";
import type { Environment } from "../../base/environment.ts";
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

/**
 * The `fetch` option of findBun for an app of this runtime. Undefined for `bun`, because such an app brings its own
 * Bun.
 */
export function bunFetcher(
  runtime: "bun" | "node",
  options: FetchBunOptions,
): (() => Promise<string>) | undefined {
  return runtime === "node" ? () => fetchBun(options) : undefined;
}

/**
 * Fetches a Bun.
 * @returns the path of the executable
 * @throws GantryError CONFIG_INVALID when there is no npm, NETWORK_FAILED with what npm printed
 */
async function fetchBun({ directory, host, environment, log }: FetchBunOptions): Promise<string> {
  const [npm] = findNpms(environment);
  const missing = "no Bun was found in the app's node_modules or on the PATH";
  const fix = "add Bun to the app (npm install --save-dev bun), or name one with --bun PATH";
  if (npm === undefined)
    throw new GantryError({
      code: "CONFIG_INVALID",
      what: `${missing}, and no npm that could fetch one`,
      fix,
    });
  const name = packageOf(host);
  log?.info(`fetching Bun ${FETCHED_BUN} to build with; it does not go into the release`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), '{ "name": "gantry-scratch", "private": true }\n');
  const quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--no-update-notifier"];
  const args = ["install", `--prefix=${directory}`, "--ignore-scripts", ...quiet, "--loglevel=error"];
  const path = [dirname(SELF.executable), environment["PATH"] ?? ""].join(delimiter);
  const result = await run(npm, [...args, `${name}@${FETCHED_BUN}`], {
    cwd: directory,
    environment: toolEnvironment(environment, { PATH: path }),
  });
  const file = join(directory, "node_modules", name, "bin", "bun");
  if (result.code === 0 && existsSync(file)) return file;
  throw new GantryError({
    code: "NETWORK_FAILED",
    what: `${missing}, and npm could not fetch ${name}@${FETCHED_BUN}`,
    detail: hideLogins(result.stderr)
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(0, 6),
    fix: `check the network, or ${fix}`,
  });
}

/** Name of the npm package that contains Bun's executable for a machine. */
function packageOf({ os, arch, libc }: Target): string {
  return `@oven/bun-${os}-${arch === "arm64" ? "aarch64" : arch}${libc === "musl" ? "-musl" : ""}`;
}
