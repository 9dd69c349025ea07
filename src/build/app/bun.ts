/**
 * The Bun that compiles an app, and that ends up inside its release. It is searched for, and then asked for its
 * version: an exit status proves nothing, because `bun build` accepts flags it does not know (measured on 1.4.5).
 */
import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { run } from "../../base/process/index.ts";
import { compareDotted } from "../../base/versions.ts";
import { toolEnvironment } from "../../runtime/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { App } from "./app.ts";

/** A Bun executable that was asked and is new enough. */
export interface Bun {
  /** Absolute. */
  readonly path: string;
  /** For example `1.4.5`. */
  readonly version: string;
  /** For example `1.4.5+a7733435c`. */
  readonly revision: string;
}

/** The first version whose compiled binaries behave as releases need (package.json loading, config switches). */
const OLDEST_BUN = "1.3.7";
/** npm's `bun` package ships a text of a few hundred bytes where its postinstall puts the real file of some 90 MB. */
const SMALLEST_EXECUTABLE = 1_000_000;
/** ELF, Mach-O, and Mach-O for several machines. */
const MAGICS: ReadonlySet<string> = new Set(["7f454c46", "cffaedfe", "cafebabe"]);

export interface FindBunOptions {
  /** What `--bun` said: a path. */
  readonly named?: string | undefined;
  readonly environment: Environment;
  /** Gets one where none was named or found, and gives its path. */
  readonly fetch?: (() => Promise<string>) | undefined;
}

/**
 * Finds the Bun to build with: the named one; else the app's own, from node_modules upward; else `bun` on the PATH;
 * else the fetched one.
 * @throws GantryError CONFIG_INVALID when there is none, or when the one that counts is too old
 */
export async function findBun(app: Pick<App, "dir">, options: FindBunOptions): Promise<Bun> {
  const { named, environment } = options;
  const fetch = named === undefined ? options.fetch : undefined;
  const refused: string[] = [];
  const take = async (path: string): Promise<Bun | undefined> => {
    const asked = await askBun(path, environment);
    if (typeof asked !== "string" && compareDotted(asked.version, OLDEST_BUN) >= 0)
      return Object.freeze(asked);
    // The Bun of an app that runs on it goes into its release: there the app has to decide.
    if (typeof asked !== "string" && fetch === undefined) throw new GantryError(tooOld(asked));
    refused.push(`${path}: ${typeof asked === "string" ? asked : `${asked.version} is too old`}`);
    return undefined;
  };
  for (const path of named === undefined ? foundBuns(app.dir, environment) : [resolve(named)]) {
    const found = await take(path);
    if (found !== undefined) return found;
  }
  const fetched = fetch === undefined ? undefined : await take(await fetch());
  if (fetched !== undefined) return fetched;
  throw new GantryError(noBun(named, refused));
}

function foundBuns(appDir: string, environment: Environment): string[] {
  const paths: string[] = [];
  for (let directory = appDir; ; directory = dirname(directory)) {
    paths.push(...installedBuns(join(directory, "node_modules")));
    if (directory === dirname(directory)) break;
  }
  // An empty or relative PATH entry means the current directory: nothing is run from there.
  const folders = (environment["PATH"] ?? "").split(":").filter((folder) => isAbsolute(folder));
  return [...paths, ...folders.map((folder) => join(folder, "bun"))].filter((path) => existsSync(path));
}

/** Where npm's `bun` package keeps the executable: its own bin, or a platform package when no script was run. */
function installedBuns(modules: string): string[] {
  const own = join(modules, "bun");
  if (!existsSync(own)) return [];
  const beside = dirname(realpathSync(own));
  const scopes = [
    ...new Set([join(own, "node_modules", "@oven"), join(beside, "@oven"), join(modules, "@oven")]),
  ];
  const names = platformNames();
  const platforms = scopes
    .filter((scope) => existsSync(scope))
    .flatMap((scope) =>
      readdirSync(scope)
        .filter((name) => names.includes(name))
        .toSorted((a, b) => names.indexOf(a) - names.indexOf(b))
        .map((name) => join(scope, name, "bin", "bun")),
    );
  return [join(own, "bin", "bun.exe"), join(own, "bin", "bun"), ...platforms];
}

/** Platform packages that may run here, the fastest first; a musl one on glibc does not start, and so is not taken. */
function platformNames(): string[] {
  const stem = `bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
  return ["", "-baseline", "-musl", "-musl-baseline"].map((suffix) => stem + suffix);
}

/** Why a file cannot be Bun itself, or undefined. */
function refusal(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return "there is no such file";
  if (!found.isFile() || (found.mode & 0o111) === 0) return "it is not an executable file";
  if (found.size >= SMALLEST_EXECUTABLE && hasMagic(path)) return undefined;
  return "it is not Bun itself but a script that stands for it (a version manager's, or npm's before its install script)";
}

function hasMagic(path: string): boolean {
  const buffer = Buffer.alloc(4);
  const descriptor = openSync(path, "r");
  try {
    readSync(descriptor, buffer, 0, 4, 0);
  } finally {
    closeSync(descriptor);
  }
  return MAGICS.has(buffer.toString("hex"));
}

/** What the Bun says of itself, or why it says nothing. */
async function askBun(path: string, environment: Environment): Promise<Bun | string> {
  const reason = refusal(path);
  if (reason !== undefined) return reason;
  const answers: string[] = [];
  for (const flag of ["--version", "--revision"]) {
    try {
      const result = await run(path, [flag], {
        cwd: "/",
        environment: toolEnvironment(environment),
        timeout: 30_000,
      });
      const answer = result.stdout.trim();
      if (result.code !== 0 || !/^\d+\.\d+\.\d+/.test(answer))
        return `it does not answer ${flag} as Bun does`;
      answers.push(answer);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  const [version = "", revision = ""] = answers;
  return { path, version, revision };
}

function tooOld(bun: Bun): Finding {
  return {
    code: "CONFIG_INVALID",
    what: `Bun ${bun.version} is too old: gantry needs ${OLDEST_BUN} or newer`,
    where: bun.path,
    fix: "update it in the app (npm install --save-dev bun@latest), or name a newer one with --bun PATH",
  };
}

function noBun(named: string | undefined, refused: readonly string[]): Finding {
  return {
    code: "CONFIG_INVALID",
    what:
      named === undefined
        ? "no Bun was found in the app's node_modules or on the PATH"
        : "--bun names no Bun that runs here",
    ...(named === undefined ? {} : { where: resolve(named) }),
    detail: refused,
    fix: `add Bun to the app (npm install --save-dev bun), or name one, ${OLDEST_BUN} or newer, with --bun PATH`,
  };
}
