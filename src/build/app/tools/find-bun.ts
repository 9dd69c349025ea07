/**
 * Finds the Bun for a build. It compiles an app that runs on Bun, and becomes part of the release. For an app that runs
 * on Node it only installs modules and writes lockfiles and bundles. A Bun has to report its version, because its exit
 * status proves nothing: `bun build` accepts unknown flags (measured on 1.4.5).
 */
import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { GantryError, type Finding } from "../../../base/errors.ts";
import { run, SELF } from "../../../base/process/index.ts";
import { compareDotted } from "../../../base/versions.ts";
import { toolEnvironment } from "../../../runtime/index.ts";
import type { Environment } from "../../../base/environment.ts";
import type { App } from "../app.ts";

/** A Bun executable that reported a version and is new enough. */
export interface Bun {
  /** Path of the executable, absolute. */
  readonly path: string;
  /** For example `1.4.5`. */
  readonly version: string;
  /** For example `1.4.5+a7733435c`. */
  readonly revision: string;
}

/**
 * The first version whose compiled binaries behave as releases need: it can be told which configuration files a binary
 * loads.
 */
const OLDEST_BUN = "1.3.7";
/**
 * Bytes. npm's `bun` package contains a text of a few hundred bytes, which its postinstall replaces by the real file of
 * some 90 MB.
 */
const SMALLEST_EXECUTABLE = 1_000_000;
/** The first four bytes of ELF, Mach-O, and universal Mach-O files, in hexadecimal. */
const MAGICS: ReadonlySet<string> = new Set(["7f454c46", "cffaedfe", "cafebabe"]);

export interface FindBunOptions {
  /** The path that `--bun` gave. */
  readonly named?: string | undefined;
  readonly environment: Environment;
  /** What runs the app; `bun` when left out. */
  readonly runtime?: "bun" | "node" | undefined;
  /** Fetches a Bun when none was named or found, and returns its path. */
  readonly fetch?: (() => Promise<string>) | undefined;
}

/**
 * Finds the Bun to build with: the named one; else one in the node_modules of the app or of a directory above it; else
 * `bun` on the PATH; else the fetched one.
 * @throws GantryError CONFIG_INVALID when there is none, or when one is too old and none may be fetched instead
 */
export async function findBun(app: Pick<App, "dir">, options: FindBunOptions): Promise<Bun> {
  const { named, environment, runtime = "bun" } = options;
  const fetch = named === undefined ? options.fetch : undefined;
  const refused: string[] = [];
  const take = async (path: string): Promise<Bun | undefined> => {
    const asked = await askBun(path, environment);
    if (typeof asked !== "string" && compareDotted(asked.version, OLDEST_BUN) >= 0)
      return Object.freeze(asked);
    // An app that runs on Bun ships this Bun. So a Bun that is too old is an error, and the app has to name a newer
    // one.
    if (typeof asked !== "string" && (runtime === "bun" || fetch === undefined))
      throw new GantryError(tooOld(asked));
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
  // An empty or relative PATH entry depends on the current directory, and is ignored.
  const folders = (environment["PATH"] ?? "").split(":").filter((folder) => isAbsolute(folder));
  return [...paths, ...folders.map((folder) => join(folder, "bun"))].filter((path) => existsSync(path));
}

/**
 * Paths of the executable in npm's `bun` package: the package's own bin, and the platform packages, which have it when
 * no install script was run.
 */
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

/**
 * Names of the platform packages for this machine, the fastest first. Those for musl come last. On glibc they do not
 * start, and are passed over.
 */
function platformNames(): string[] {
  const stem = `bun-${SELF.platform}-${SELF.arch === "arm64" ? "aarch64" : SELF.arch}`;
  return ["", "-baseline", "-musl", "-musl-baseline"].map((suffix) => stem + suffix);
}

/** Why a file cannot be Bun's executable. Undefined when it can. */
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

/** Runs a Bun to ask for its version and revision. Returns the reason as a text when it does not report them. */
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
