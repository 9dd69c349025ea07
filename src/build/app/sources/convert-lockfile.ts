/**
 * Converts any lockfile to a bun.lock. Bun converts it in a private directory, and the app's own files are never
 * written. A lockfile that does not fit its package.json is refused, with the differences.
 */
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { PackageJson } from "pkg-types";
import { GantryError } from "../../../base/errors.ts";
import { outputLines, run } from "../../../base/process/index.ts";
import { toolEnvironment } from "../../../runtime/index.ts";
import type { Environment } from "../../../base/environment.ts";
import { compareDotted } from "../../../base/versions.ts";
import type { Bun } from "../tools/index.ts";
import { LOCKFILE_OWNERS, type LockfileKind } from "../workspace.ts";
import { type BunLock, parseBunLock } from "../../../release/index.ts";

export interface MigrateOptions {
  /** A private copy of at least the package.json files, the lockfile and the package managers' settings. */
  readonly directory: string;
  readonly kind: LockfileKind;
  readonly bun: Bun;
  readonly environment: Environment;
  /** The lockfile in the app, for messages. */
  readonly where: string;
}

/**
 * The first Bun that reads a bun.lock of version 2. Bun 1.3.14 says "Unknown lockfile version" and resolves all
 * versions anew.
 */
const VERSION_2_SINCE = "1.4.0";

/**
 * Makes sure that the directory holds a bun.lock with the exact versions of the app's lockfile. Lockfiles of other
 * kinds are removed from the directory.
 * @throws GantryError CONFIG_INVALID when Bun cannot read or convert the lockfile, or when it does not fit package.json
 */
export async function ensureBunLock(options: MigrateOptions): Promise<BunLock> {
  const lock = await convertToBunLock(options);
  if (lock instanceof GantryError) throw lock;
  checkLockFits(lock, options.directory, options.kind, options.where);
  return lock;
}

/**
 * As {@link ensureBunLock}, but does not compare the lockfile with package.json.
 * @returns the CONFIG_INVALID error when Bun cannot read or convert the lockfile, as npm's lockfileVersion 1
 */
export async function convertToBunLock(options: MigrateOptions): Promise<BunLock | GantryError> {
  const { directory, kind, bun, where } = options;
  for (const other of Object.keys(LOCKFILE_OWNERS)) {
    if (other !== kind) rmSync(join(directory, other), { force: true });
  }
  try {
    if (kind !== "bun.lock") await convert(options);
    return readBunLock(join(directory, "bun.lock"), bun, where);
  } catch (error) {
    if (error instanceof GantryError) return error;
    throw error;
  }
}

/**
 * Reads a bun.lock that the given Bun can read too.
 * @param where the path that messages name
 * @throws GantryError CONFIG_INVALID when the file is damaged or too new for that Bun
 */
export function readBunLock(path: string, bun: Bun, where: string): BunLock {
  const lock = requireBunLock(readFileSync(path, "utf8"), where);
  if (lock.version >= 2 && compareDotted(bun.version, VERSION_2_SINCE) < 0) {
    throw new GantryError({
      code: "CONFIG_INVALID",
      what: `bun.lock has version ${lock.version}, which Bun ${bun.version} cannot read`,
      where,
      fix: `name Bun ${VERSION_2_SINCE} or newer with --bun PATH, or delete bun.lock and write it again with Bun ${bun.version}`,
    });
  }
  return lock;
}

const TO_TEXT = [
  "install",
  "--save-text-lockfile",
  "--frozen-lockfile",
  "--lockfile-only",
  "--ignore-scripts",
];

async function convert(options: MigrateOptions): Promise<void> {
  const { directory, kind, bun, environment } = options;
  const call = async (args: readonly string[]): Promise<void> => {
    const result = await run(bun.path, args, { cwd: directory, environment: toolEnvironment(environment) });
    if (result.code !== 0) throw unusable(options, toolLines(result.stderr));
  };
  // Bun knows npm's format by this name only.
  if (kind === "npm-shrinkwrap.json") renameSync(join(directory, kind), join(directory, "package-lock.json"));
  if (kind !== "bun.lockb") await call(["pm", "migrate", "--force"]);
  // When the app's bunfig.toml asks for the binary format, the conversion writes a bun.lockb.
  if (existsSync(join(directory, "bun.lockb"))) await call(TO_TEXT);
  if (!existsSync(join(directory, "bun.lock"))) throw unusable(options, ["Bun wrote no bun.lock"]);
}

/** The error for a lockfile that this Bun cannot convert or read. */
export function unusable(
  { kind, bun, where }: Pick<MigrateOptions, "kind" | "bun" | "where">,
  detail: readonly string[],
): GantryError {
  const owner = LOCKFILE_OWNERS[kind];
  const current = {
    bun: "bun install",
    npm: "npm install",
    pnpm: "npx pnpm@10 install",
    yarn: "yarn install",
  }[owner];
  const again = `run "${current}" in ${join(where, "..")} and commit the ${kind} that it writes`;
  // Older versions convert fewer formats. 1.3.7 does not convert yarn berry, and converts a yarn classic lockfile
  // without addresses incorrectly.
  const old = compareDotted(bun.version, VERSION_2_SINCE) < 0;
  return new GantryError({
    code: "CONFIG_INVALID",
    what: `Bun ${bun.version} cannot use this ${kind}`,
    where,
    detail,
    fix: old
      ? `name Bun ${VERSION_2_SINCE} or newer with --bun PATH; if that does not help, ${again}`
      : again,
  });
}

/** The first six lines of a tool's output that are errors, warnings or notes. Logins in them are hidden. */
export function toolLines(stderr: string): string[] {
  return outputLines(stderr)
    .map((line) => line.trim())
    .filter((line) => /^(?:error|note|warn)\b|^[A-Z]\w+: /.test(line))
    .slice(0, 6);
}

/**
 * Compares the production dependencies of each workspace member in the lockfile with its package.json.
 * @throws GantryError CONFIG_INVALID that lists the differences
 */
export function checkLockFits(lock: BunLock, directory: string, kind: LockfileKind, where: string): void {
  const differences: string[] = [];
  for (const [path, locked] of Object.entries(lock.workspaces)) {
    const file = join(directory, path, "package.json");
    const label = path === "" ? "package.json" : `${path}/package.json`;
    if (!existsSync(file)) {
      differences.push(`${label} is gone, ${kind} still has it`);
      continue;
    }
    const json = JSON.parse(readFileSync(file, "utf8")) as PackageJson;
    const asked = { ...json.dependencies, ...json.optionalDependencies };
    const known = { ...locked.dependencies, ...locked.optionalDependencies };
    for (const [name, spec] of Object.entries(asked)) {
      if (known[name] === spec) continue;
      differences.push(`${label} asks for ${name} ${spec}, ${kind} ${describe(known[name])}`);
    }
    // pnpm's lockfile has the peers that pnpm installed by itself among the dependencies.
    const gone = Object.keys(known).filter(
      (name) => asked[name] === undefined && json.peerDependencies?.[name] === undefined,
    );
    for (const name of gone) differences.push(`${kind} still has ${name}, ${label} does not ask for it`);
  }
  if (differences.length > 0) throw outOfStep(kind, where, differences);
}

function describe(spec: string | undefined): string {
  return spec === undefined ? "does not have it" : `has ${spec}`;
}

/** The error for a lockfile that no longer fits its package.json. */
export function outOfStep(kind: LockfileKind, where: string, detail: readonly string[]): GantryError {
  return new GantryError({
    code: "CONFIG_INVALID",
    what: `${kind} and package.json do not belong together`,
    where,
    detail: detail.slice(0, 8),
    fix: `run "${LOCKFILE_OWNERS[kind]} install" and commit ${kind}`,
  });
}

/**
 * Parses a bun.lock that must be valid.
 * @param where its path, for messages
 * @throws GantryError CONFIG_INVALID when it is damaged or newer than version 2
 */
export function requireBunLock(text: string, where: string): BunLock {
  const parsed = parseBunLock(text);
  if ("lock" in parsed) return parsed.lock;
  throw new GantryError({ code: "CONFIG_INVALID", ...parsed.problem, where });
}
