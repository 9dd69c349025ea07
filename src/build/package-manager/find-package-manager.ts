/**
 * Finds the package manager that wrote an app's lockfile: npm of this machine; pnpm or yarn of the PATH, or fetched by npm
 * in the version that the app names. The version is that of `packageManager` or `devEngines` in package.json; else what
 * the PATH has; else one that wrote lockfiles of this format.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { detectPackageManager } from "nypm";
import type { Environment } from "../../base/environment.ts";
import { readProgramPath, run, SELF } from "../../base/process/index.ts";
import { toolEnvironment } from "../../runtime/index.ts";

export interface PackageManager {
  readonly name: "npm" | "pnpm" | "yarn";
  /** Absolute path of the program. */
  readonly file: string;
  readonly version: string;
}

export interface FindOptions {
  readonly name: "npm" | "pnpm" | "yarn";
  /** The private copy of the directory that has the lockfile. */
  readonly directory: string;
  /** The text of the lockfile. */
  readonly lockfile: string;
  /** Paths of the npms on this machine, the best first. */
  readonly npms: readonly string[];
  /** A private directory for a package manager that has to be fetched. */
  readonly fetchInto: string;
  readonly environment: Environment;
  readonly log?: { readonly info: (text: string) => void } | undefined;
}

/** The variables of a package manager: nobody is asked, and the Node that runs gantry comes first on the PATH. */
export function managerEnvironment(
  environment: Environment,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const path = [dirname(SELF.executable), environment["PATH"] ?? ""].join(delimiter);
  // With NODE_ENV=production npm, pnpm and yarn 1 leave out devDependencies, which the app's build needs.
  const { NODE_ENV: _, ...rest } = toolEnvironment(environment, { PATH: path });
  return { ...rest, CI: "1", COREPACK_ENABLE_DOWNLOAD_PROMPT: "0", ...extra };
}

/** Finds or fetches the package manager. Undefined when this machine has none and npm cannot fetch one. */
export async function findPackageManager(options: FindOptions): Promise<PackageManager | undefined> {
  const { name, npms, directory, environment } = options;
  const [npm] = npms;
  if (name === "npm") return npm === undefined ? undefined : await start(name, npm, options);
  const named = await readNamedVersion(name, directory);
  const onPath = readProgramPath(name, environment);
  const found = onPath === undefined ? undefined : await start(name, onPath, options);
  if (found !== undefined && (named === undefined || found.version === named)) return found;
  return npm === undefined ? undefined : await fetchManager(npm, named ?? usualVersion(options), options);
}

/** The exact version in package.json; undefined when none, a range, or another package manager is named. */
async function readNamedVersion(name: string, directory: string): Promise<string | undefined> {
  const detected = await detectPackageManager(directory, { includeParentDirs: false, ignoreArgv: true });
  if (detected?.name !== name) return undefined;
  return /^\d+\.\d+\.\d+(?:-[\w.]+)?$/.exec(detected.version ?? "")?.[0];
}

/** Asks a program for its version, in the app's directory, where yarn reads `yarnPath` and corepack `packageManager`. */
async function start(
  name: PackageManager["name"],
  file: string,
  { directory, environment }: FindOptions,
): Promise<PackageManager | undefined> {
  try {
    const asked = { cwd: directory, environment: managerEnvironment(environment), timeout: 60_000 };
    const { code, stdout } = await run(file, ["--version"], asked);
    const version = /^\d+\.\d+\.\d+\S*/.exec(stdout.trim())?.[0];
    return code === 0 && version !== undefined ? { name, file, version } : undefined;
  } catch {
    return undefined;
  }
}

/** A version that reads and writes lockfiles of this format, as the first lines of the lockfile name it. */
function usualVersion({ name, lockfile }: FindOptions): string {
  if (name === "pnpm") {
    const format = Number(/^lockfileVersion: '?(\d+)/m.exec(lockfile)?.[1] ?? 9);
    return format >= 9 ? "10.34.8" : format >= 6 ? "8.15.9" : "7.33.7";
  }
  const format = Number(/^__metadata:\n {2}version: (\d+)/m.exec(lockfile)?.[1] ?? 1);
  return format === 1 ? "1.22.22" : format >= 9 ? "4.18.1" : format >= 7 ? "4.9.2" : "3.8.7";
}

/** Fetches the package of a pnpm or yarn from the registry. Its program is a script that the running Node runs. */
async function fetchManager(
  npm: string,
  version: string,
  { name, fetchInto, environment, log, directory }: FindOptions,
): Promise<PackageManager | undefined> {
  const id = name === "yarn" && !version.startsWith("1.") ? "@yarnpkg/cli-dist" : name;
  log?.info(`fetching ${name} ${version}, which the app's lockfile is for; it does not go into the release`);
  mkdirSync(fetchInto, { recursive: true });
  writeFileSync(join(fetchInto, "package.json"), '{ "name": "gantry-scratch", "private": true }\n');
  const quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--no-update-notifier"];
  const args = ["install", `--prefix=${fetchInto}`, "--ignore-scripts", ...quiet, "--loglevel=error"];
  const result = await run(npm, [...args, `${id}@${version}`], {
    cwd: fetchInto,
    environment: managerEnvironment(environment),
  });
  const file = join(fetchInto, "node_modules", ".bin", name);
  if (result.code !== 0 || !existsSync(file)) return undefined;
  return await start(name, file, { name, directory, environment, lockfile: "", npms: [], fetchInto });
}
