/**
 * Reads the app of a release. Its package.json is checked completely before anything is built, and every mistake is
 * reported at once. Nothing is written. Of the directories above the app, only package.json and pnpm-workspace.yaml are
 * read, to find the workspace.
 */
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { readPackageJSON, type PackageJson } from "pkg-types";
import { isDirectory } from "../../base/files/index.ts";
import { GantryError, type Finding } from "../../base/errors.ts";
import { parseSettings, show, type Settings } from "./app-settings.ts";
import { isFile, readLockfile, readWorkspaceRoot, type Lockfile } from "./workspace.ts";

export interface App {
  /** The app's directory, absolute. */
  readonly dir: string;
  readonly name: string;
  readonly version: string;
  readonly packageJson: PackageJson;
  /** `binary` is always set. The other keys have the given values, or their defaults. */
  readonly settings: Settings & { readonly binary: string };
  /**
   * The file that the app starts with, absolute. It always exists, except in a Node app, whose build may have to make
   * it.
   */
  readonly entry: string;
  /** The directory that holds the workspace's modules and lockfile; `dir` itself when there is no workspace. */
  readonly workspaceRoot: string;
  readonly lockfile: Lockfile | undefined;
}

/**
 * A package name without characters that have a meaning in paths and commands (npm's package.json documentation,
 * "name").
 */
const NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i;
/** https://semver.org, items 2, 9 and 10. */
const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;
const BINARY = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const EXTENSIONS = ["ts", "tsx", "mts", "js", "mjs", "cjs", "jsx"] as const;
/** Files that are tried in this order when package.json does not name an entry. */
const USUAL_ENTRIES = ["src/main", "src/index", "main", "index"].flatMap((stem) =>
  EXTENSIONS.map((extension) => `${stem}.${extension}`),
);

/**
 * Reads and checks an app.
 *
 * The entry is `gantry.entry`. Without that setting, it is the first existing file of: the `bin` that has the binary's
 * name, `module`, `main`, then src/main.*, src/index.*, main.*, index.*. For a Node app the file may not exist before
 * its build: the entry is `gantry.entry`, else that `bin`, `main` or `module`, whether the file exists or not. The
 * usual files are tried only when none of these is set and there is no `build` script. The binary's name is
 * `gantry.binary`; without it the key of a single `bin`, else the package's name without its scope.
 * @throws GantryError CONFIG_INVALID with one finding for every mistake
 */
export async function readApp(appDir: string): Promise<App> {
  const dir = resolve(appDir);
  const packageJson = await readPackageFile(dir);
  const where = join(dir, "package.json");
  const findings: Finding[] = [];
  const { name, version } = checkIdentity(packageJson, where, findings);
  const parsed = parseSettings(packageJson["gantry"], where);
  findings.push(...parsed.findings);
  if (parsed.settings !== undefined) findings.push(...missingFiles(dir, parsed.settings, where));
  const binary = parsed.settings?.binary ?? defaultBinary(packageJson, name);
  if (parsed.settings?.binary === undefined && NAME.test(name) && !BINARY.test(binary)) {
    const what = `no binary name can be made of "${binary}"`;
    findings.push({ code: "CONFIG_INVALID", what, where, fix: 'set "gantry.binary"' });
  }
  const entry =
    parsed.settings?.runtime === "node"
      ? nodeEntry(dir, packageJson, parsed.settings.entry, binary)
      : findEntry(dir, packageJson, parsed.settings?.entry, binary);
  if (entry === undefined) {
    const node = parsed.settings?.runtime === "node";
    findings.push(node ? noNodeEntry(where) : noEntry(parsed.settings?.entry, where));
  }
  const [first, ...rest] = findings;
  if (first !== undefined || parsed.settings === undefined || entry === undefined) {
    throw new GantryError(first ?? noEntry(undefined, where), ...rest);
  }
  const workspaceRoot = readWorkspaceRoot(dir);
  const manager = typeof packageJson.packageManager === "string" ? packageJson.packageManager : undefined;
  return Object.freeze({
    dir,
    name,
    version,
    packageJson,
    settings: Object.freeze({ ...parsed.settings, binary }),
    entry,
    workspaceRoot,
    lockfile: readLockfile(dir, workspaceRoot, manager),
  });
}

/**
 * Reads an app's own package.json. The file is checked first, because pkg-types alone would search the directories
 * above, and would repair broken JSON silently.
 * @throws GantryError CONFIG_INVALID
 */
async function readPackageFile(dir: string): Promise<PackageJson> {
  const where = join(dir, "package.json");
  if (!isDirectory(dir)) {
    const what = "there is no such directory";
    throw new GantryError({ code: "CONFIG_INVALID", what, where: dir, fix: "name the app's directory" });
  }
  if (!isFile(where)) {
    const what = "the app has no package.json";
    throw new GantryError({
      code: "CONFIG_INVALID",
      what,
      where,
      fix: "name the directory that holds the app's package.json",
    });
  }
  let reason = "it is not an object";
  try {
    const value: unknown = JSON.parse(readFileSync(where, "utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return await readPackageJSON(where);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    reason = error.message;
  }
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: `package.json is not JSON: ${reason}`,
    where,
    fix: "correct package.json; it may hold no comments and no trailing commas",
  });
}

function checkIdentity(
  json: PackageJson,
  where: string,
  findings: Finding[],
): { name: string; version: string } {
  const name: unknown = json.name;
  const version: unknown = json.version;
  if (typeof name !== "string" || !NAME.test(name)) {
    const what =
      name === undefined ? "package.json has no name" : `"name" is ${show(name)}: it must be a package name`;
    findings.push({ code: "CONFIG_INVALID", what, where, fix: 'set "name", for example "brain"' });
  }
  if (typeof version !== "string" || !VERSION.test(version)) {
    const what =
      version === undefined
        ? "package.json has no version"
        : `"version" is ${show(version)}: it must be a version like 1.2.3`;
    findings.push({ code: "CONFIG_INVALID", what, where, fix: 'set "version", for example "0.1.0"' });
  }
  return { name: typeof name === "string" ? name : "", version: typeof version === "string" ? version : "" };
}

function binEntries(json: PackageJson, name: string): [string, string][] {
  const bin: unknown = json.bin;
  if (typeof bin === "string") return [[withoutScope(name), bin]];
  if (typeof bin !== "object" || bin === null) return [];
  return Object.entries(bin).filter((entry): entry is [string, string] => typeof entry[1] === "string");
}

function withoutScope(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

function defaultBinary(json: PackageJson, name: string): string {
  const bins = binEntries(json, name);
  return (bins.length === 1 ? bins[0]?.[0] : undefined) ?? withoutScope(name);
}

function findEntry(
  dir: string,
  json: PackageJson,
  named: string | undefined,
  binary: string,
): string | undefined {
  if (named !== undefined) return existing(dir, named);
  const bins = binEntries(json, json.name ?? "");
  const fields = [bins.find(([key]) => key === binary)?.[1], json.module, json.main];
  for (const path of [...fields, ...USUAL_ENTRIES]) {
    const found = typeof path === "string" ? existing(dir, path) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The entry of a Node app: the file that a setting or a field names, even when the build has yet to make it; else a
 * usual file that exists.
 */
function nodeEntry(
  dir: string,
  json: PackageJson,
  named: string | undefined,
  binary: string,
): string | undefined {
  const bin = binEntries(json, json.name ?? "").find(([key]) => key === binary)?.[1];
  const path = [named, bin, json.main, json.module].find((candidate) => typeof candidate === "string");
  if (path !== undefined) return join(dir, path);
  // What the script makes, and where it puts it, is unknown before it has run.
  if (json.scripts?.["build"] !== undefined) return undefined;
  return USUAL_ENTRIES.map((candidate) => join(dir, candidate)).find(isFile);
}

function existing(dir: string, path: string): string | undefined {
  return [path, ...EXTENSIONS.map((extension) => `${path}.${extension}`)]
    .map((candidate) => join(dir, candidate))
    .find(isFile);
}

function noEntry(named: string | undefined, where: string): Finding {
  if (named !== undefined) {
    const what = `"gantry.entry" is "${named}": there is no such file`;
    return { code: "CONFIG_INVALID", what, where, fix: 'set "gantry.entry" to the file that starts the app' };
  }
  return {
    code: "CONFIG_INVALID",
    what: 'the app\'s entry was not found: no "gantry.entry", no file named by "bin", "module" or "main", and no src/main.ts or src/index.ts',
    where,
    fix: 'set "gantry.entry" to the file that starts the app',
  };
}

function noNodeEntry(where: string): Finding {
  return {
    code: "CONFIG_INVALID",
    what: 'nothing says which file starts the app: no "gantry.entry", no "bin" of its name, no "main" and no "module"',
    where,
    fix: 'set "gantry.entry" to the JavaScript that the build makes, such as "dist/index.js"',
  };
}

/** Findings for settings that name missing files. */
function missingFiles(dir: string, settings: Settings, where: string): Finding[] {
  const named: [string, readonly string[]][] = [
    ["gantry.include", settings.include],
    ["gantry.build.plugins", settings.build.plugins ?? []],
    ["gantry.build.workers", settings.build.workers ?? []],
  ];
  return named.flatMap(([key, paths]) =>
    paths.flatMap((path, index): Finding[] => {
      if (statSync(join(dir, path), { throwIfNoEntry: false }) !== undefined) return [];
      const what = `"${key}.${index}" is "${path}": there is no such file`;
      return [{ code: "CONFIG_INVALID", what, where, fix: `create ${path}, or correct "${key}"` }];
    }),
  );
}
