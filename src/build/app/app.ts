/**
 * Reads the app of a release. Its package.json is checked completely before anything is built, and every mistake is
 * reported at once. Nothing is written. Of the directories above the app, only package.json and pnpm-workspace.yaml are
 * read, to find the workspace.
 */
import { SELF } from "../../base/process/index.ts";
import { readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { readPackageJSON, type PackageJson } from "pkg-types";
import { isDirectory } from "../../base/files/index.ts";
import { GantryError, type Finding } from "../../base/errors.ts";
import {
  defaultBinary,
  findBunEntry,
  findNodeEntry,
  readDefaults,
  type Defaults,
  type Told,
} from "../clues/index.ts";
import { nearest, parseSettings, show, type Settings } from "./settings/index.ts";
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
  /** What to change in the configuration of the app's framework, whose build may make no server without it. */
  readonly unready: string | undefined;
  /** What was taken from elsewhere because no setting says it, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * A package name without characters that have a meaning in paths and commands (npm's package.json documentation,
 * "name").
 */
const NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i;
/** https://semver.org, items 2, 9 and 10. */
const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;
const BINARY = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** The version of a release whose app has none. */
const NO_VERSION = "0.0.0";

/**
 * Reads and checks an app.
 *
 * The entry is `gantry.entry`. Without that setting, it is the first existing file of: the `bin` that has the binary's
 * name, the file that `bun build --compile` or the start script names, `module`, `main`, then src/main.*, src/index.*,
 * main.*, index.*. For a Node app the file may not exist before its build: the entry is `gantry.entry`, else that `bin`,
 * the start script's file, `main` or `module`, whether the file exists or not. The usual files are tried only when none
 * of these is set and there is no `build` script. The binary's name is `gantry.binary`; without it the key of a single
 * `bin`, else the package's name without its scope. Without `version` it is 0.0.0.
 * @throws GantryError CONFIG_INVALID with one finding for every mistake
 */
export async function readApp(appDir: string): Promise<App> {
  const dir = resolve(appDir);
  const packageJson = await readPackageFile(dir);
  const where = join(dir, "package.json");
  const findings: Finding[] = [];
  const { name, version } = checkIdentity(packageJson, where, findings);
  const workspaceRoot = readWorkspaceRoot(dir);
  const told = readDefaults({ dir, json: packageJson, root: workspaceRoot, running: SELF.versions.node });
  const parsed = parseSettings(packageJson["gantry"], where, told);
  findings.push(...parsed.findings);
  if (parsed.settings !== undefined) {
    findings.push(...missingFiles(dir, parsed.settings, where));
    findings.push(...missingScript(packageJson, parsed.settings, where));
  }
  const binary = parsed.settings?.binary ?? defaultBinary(packageJson, name);
  if (parsed.settings?.binary === undefined && NAME.test(name) && !BINARY.test(binary)) {
    const what = `no binary name can be made of "${binary}"`;
    findings.push({ code: "CONFIG_INVALID", what, where, fix: 'set "gantry.binary"' });
  }
  const named = parsed.settings?.entry;
  const runtime = parsed.settings?.runtime ?? "bun";
  const entry = (runtime === "node" ? findNodeEntry : findBunEntry)({
    dir,
    json: packageJson,
    named,
    binary,
    told: told.entry,
  });
  if (entry === undefined) findings.push(runtime === "node" ? noNodeEntry(where) : noEntry(named, where));
  const [first, ...rest] = findings;
  if (first !== undefined || parsed.settings === undefined || entry === undefined) {
    throw new GantryError(first ?? noEntry(undefined, where), ...rest);
  }
  const manager = typeof packageJson.packageManager === "string" ? packageJson.packageManager : undefined;
  return Object.freeze({
    dir,
    name,
    version,
    packageJson,
    settings: Object.freeze({ ...parsed.settings, binary }),
    entry: entry.value,
    workspaceRoot,
    lockfile: readLockfile(dir, workspaceRoot, manager),
    unready: told.framework?.lacking,
    notes: describeDefaults(packageJson, parsed.settings, told, {
      value: relative(dir, entry.value),
      by: entry.by,
    }),
  });
}

/** Says what was taken from elsewhere: the version, the runtime, its version and an entry that a script names. */
function describeDefaults(
  json: PackageJson,
  { runtime }: Settings,
  told: Defaults,
  entry: Told<string>,
): string[] {
  const set = (json["gantry"] ?? {}) as Partial<Record<keyof Settings, unknown>>;
  const taken = [
    ...(set.runtime === undefined && told.runtime?.value === runtime
      ? [`runtime "${runtime}" from ${told.runtime.by}`]
      : []),
    ...(runtime === "node" && set.node === undefined
      ? [`node "${told.node.value}" from ${told.node.by}`]
      : []),
    ...(set.entry === undefined && [told.entry?.by, told.framework?.framework.name].includes(entry.by)
      ? [`entry "${entry.value}" from ${entry.by}`]
      : []),
  ];
  return [
    ...(json.version === undefined ? [`package.json has no version: the release gets ${NO_VERSION}`] : []),
    ...(taken.length === 0 ? [] : [`not set, so taken from the app: ${taken.join(", ")}`]),
  ];
}

/**
 * Reads an app's own package.json. The file is checked first, because pkg-types alone would search the directories
 * above, and would repair broken JSON silently.
 * @throws GantryError CONFIG_INVALID
 */
export async function readPackageFile(dir: string): Promise<PackageJson> {
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
  const version: unknown = json.version ?? NO_VERSION;
  if (typeof name !== "string" || !NAME.test(name)) {
    const what =
      name === undefined ? "package.json has no name" : `"name" is ${show(name)}: it must be a package name`;
    findings.push({ code: "CONFIG_INVALID", what, where, fix: 'set "name", for example "brain"' });
  }
  if (typeof version !== "string" || !VERSION.test(version)) {
    const what = `"version" is ${show(version)}: it must be a version like 1.2.3`;
    findings.push({ code: "CONFIG_INVALID", what, where, fix: 'set "version", for example "0.1.0"' });
  }
  return { name: typeof name === "string" ? name : "", version: typeof version === "string" ? version : "" };
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

function missingScript({ scripts }: PackageJson, { build }: Settings, where: string): Finding[] {
  const { script } = build;
  if (typeof script !== "string" || scripts?.[script] !== undefined) return [];
  const near = nearest(script, Object.keys(scripts ?? {}));
  const what = `"gantry.build.script" is "${script}": package.json has no such script`;
  const fix = near === undefined ? 'add it, or remove "gantry.build.script"' : `did you mean "${near}"?`;
  return [{ code: "CONFIG_INVALID", what, where, fix }];
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
