/**
 * Makes a release's lockfile in Bun's own form. The build's Bun reads a draft and writes it again. The result is
 * compared with the draft version by version, and proven by a frozen installation without network.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../../base/errors.ts";
import { type BunLock, NAMES, type Target } from "../../release/index.ts";
import { BE_BUN, toolEnvironment } from "../../runtime/index.ts";
import { run } from "../../base/process/index.ts";
import type { Environment } from "../../base/environment.ts";
import { readBunLock, requireBunLock, toolLines, type Bun } from "../app/index.ts";
import { walkClosure, type Closure } from "./package-closure.ts";
import { formatCandidate, pinLines, hoistClosure } from "./hoist.ts";
import type { Scratch } from "../scratch.ts";

export interface RewriteOptions {
  /** The app's lockfile, to which packages for the target were added. */
  readonly lock: BunLock;
  /** Names of the externals to their keys in `lock`. */
  readonly roots: ReadonlyMap<string, string>;
  readonly closure: Closure;
  readonly packageJson: {
    readonly name: string;
    readonly dependencies: Readonly<Record<string, string>>;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
  };
  readonly bun: Bun;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  readonly target: Target;
}

export interface RewrittenLock {
  /** Text of bun.lock. */
  readonly text: string;
  /** Text of package.json. */
  readonly packageJson: string;
  readonly lock: BunLock;
  /** The closure in the new lockfile. Its keys are paths in the release's tree. */
  readonly closure: Closure;
}

const ARGUMENTS = [
  "install",
  "--config=/dev/null",
  "--no-env-file",
  "--lockfile-only",
  "--save-text-lockfile",
];
/** Bun 1.3 ignores `--offline`. If it then changes a version, the comparison finds it. */
const SILENT = ["--ignore-scripts", "--no-progress", "--offline"];

/**
 * Lets Bun write the release's lockfile, compares its versions with the app's, and proves it by a frozen installation.
 * @throws GantryError INTERNAL when Bun refuses the draft or changes a version
 */
export async function rewriteLock(options: RewriteOptions): Promise<RewrittenLock> {
  const { roots, closure, packageJson, bun, environment, target } = options;
  const json = `${JSON.stringify(packageJson, null, 2)}\n`;
  const release = { optionalDependencies: {}, ...packageJson };
  const candidate = formatCandidate(hoistClosure(closure, roots), release, Math.max(options.lock.version, 1));
  // Bun deletes a lockfile without packages, and refuses a frozen installation with one (1.4.5). There is nothing to
  // install, so Bun is not run.
  if (roots.size === 0)
    return { text: candidate, packageJson: json, lock: requireBunLock(candidate, NAMES.lockfile), closure };
  const directory = options.scratch.makePrivate();
  const path = join(directory, NAMES.lockfile);
  const call = async (...more: string[]): Promise<void> => {
    const args = [...ARGUMENTS, ...SILENT, `--cache-dir=${join(directory, "cache")}`, ...more];
    const result = await run(bun.path, args, {
      cwd: directory,
      environment: toolEnvironment(environment, BE_BUN),
    });
    if (result.code !== 0)
      throw changed(`Bun ${bun.version} refuses the release's lockfile`, toolLines(result.stderr));
  };
  try {
    mkdirSync(join(directory, "cache"));
    writeFileSync(join(directory, "package.json"), json);
    writeFileSync(path, candidate);
    await call();
    const text = readFileSync(path, "utf8");
    const lock = readBunLock(path, bun, NAMES.lockfile);
    const rewritten = walkClosure(lock, [...roots.keys()], target);
    compare(closure, rewritten, lock, target);
    await call("--frozen-lockfile", "--production");
    if (readFileSync(path, "utf8") !== text)
      throw changed("a frozen installation changed the release's lockfile", []);
    return { text, packageJson: json, lock, closure: rewritten };
  } finally {
    options.scratch.remove(directory);
  }
}

function compare(wanted: Closure, written: Closure, lock: BunLock, target: Target): void {
  const [before, after] = [pinLines(wanted), pinLines(written)];
  const differences = [
    ...[...before].filter((line) => !after.has(line)).map((line) => `lost: ${line}`),
    ...[...after].filter((line) => !before.has(line)).map((line) => `new: ${line}`),
    ...[...lock.packages.keys()]
      .filter((key) => !written.nodes.has(key))
      .map((key) => `not needed on ${target.name}: ${key}`),
  ];
  if (differences.length > 0)
    throw changed("Bun changed what the release's lockfile pins", differences.slice(0, 8));
}

function changed(what: string, detail: readonly string[]): GantryError {
  return new GantryError({ code: "INTERNAL", what, detail, fix: "report it with the app's lockfile" });
}
