/**
 * A Node app's JavaScript: made by the app's own build script in a private copy of its workspace, and the part of it
 * that becomes lib/app. Nothing of the app's own directory is written, and what it holds of an earlier build is not
 * taken for this one's.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from "node:fs";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { GantryError } from "../../errors.ts";
import { NAMES } from "../../release/layout.ts";
import { run, toolEnvironment, type Environment } from "../../runtime/invoke.ts";
import type { App } from "../app/app.ts";
import { copyWorkspace } from "../app/copy.ts";
import type { Sources } from "../app/sources.ts";

export interface BuiltJavaScript {
  /** What becomes lib/app. */
  readonly directory: string;
  /** The file that starts the app, relative to it. */
  readonly entry: string;
  /** That directory's path in the app. */
  readonly part: string;
  readonly dispose: () => void;
}

export interface BuildJavaScriptOptions {
  readonly app: App;
  readonly sources: Sources;
  readonly bun: string;
  readonly environment: Environment;
  readonly log: { readonly info: (text: string) => void };
}

/**
 * Runs the app's `build` script, or its TypeScript compiler where it has no such script.
 * @throws GantryError CONFIG_INVALID with what the script said, or when it did not make the entry
 */
export async function buildJavaScript(options: BuildJavaScriptOptions): Promise<BuiltJavaScript> {
  const { app, sources } = options;
  checkCompiled(app, relative(app.dir, app.entry));
  const top = realpathSync(mkdtempSync(join(tmpdir(), "gantry-build-")));
  const dispose = (): void => rmSync(top, { recursive: true, force: true });
  try {
    copyWorkspace(sources.root, top);
    linkModules(sources.root, top);
    const appDir = join(top, relative(sources.root, sources.appDir));
    const entry = relative(app.dir, app.entry);
    const part = app.settings.app ?? partOf(entry);
    const command = findCommand(app, appDir, entry);
    if (command !== undefined) {
      if (isOutput(app, part)) rmSync(join(appDir, part), { recursive: true, force: true });
      await runCommand(command, appDir, options);
    }
    const inside = relative(part, entry);
    checkEntry(app, { appDir, entry, inside, part, built: command?.join(" ") });
    return { directory: join(appDir, part), entry: inside.split(sep).join("/"), part, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** The directory that becomes lib/app when no setting names it: the one that the entry's path begins with. */
function partOf(entry: string): string {
  return entry.includes("/") ? (entry.split("/")[0] ?? ".") : ".";
}

/** What build tools call what they make; a directory of another name may hold sources as well. */
const OUTPUTS: ReadonlySet<string> = new Set(["dist", "build", "out", "output", "compiled"]);

/** Is everything in it made by the build? By its name, or because version control is told to leave it out. */
function isOutput(app: App, part: string): boolean {
  const name = part.split("/").at(-1) ?? part;
  if (OUTPUTS.has(name)) return true;
  const files = [app.dir, app.workspaceRoot].map((directory) => join(directory, ".gitignore"));
  return files
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, "utf8").split("\n"))
    .some(
      (line) =>
        line
          .trim()
          .replace(/\/(?:\*\*?)?$/, "")
          .split("/")
          .at(-1) === name && !line.startsWith("!"),
    );
}

/** Modules are used where they lie: tools of the build are found through links to them. */
function linkModules(from: string, to: string, below = ""): void {
  for (const entry of readdirSync(join(from, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.name === NAMES.modules) symlinkSync(join(from, path), join(to, path));
    else if (entry.isDirectory() && existsSync(join(to, path))) linkModules(from, to, path);
  }
}

/** Arguments for Bun; undefined for an app that is JavaScript as it stands. */
function findCommand(app: App, appDir: string, entry: string): readonly string[] | undefined {
  if (app.packageJson.scripts?.["build"] !== undefined) return ["run", "build"];
  if (existsSync(join(appDir, entry))) return undefined;
  return existsSync(join(appDir, "tsconfig.json")) ? ["run", "tsc", "-p", "."] : undefined;
}

async function runCommand(
  command: readonly string[],
  appDir: string,
  { app, bun, environment, log }: BuildJavaScriptOptions,
): Promise<void> {
  const said = command.slice(1).join(" ");
  log.info(`running the app's own ${said}`);
  // The Node that runs gantry comes first, so that the script's tools run on something that is there.
  const path = [dirname(process.execPath), environment["PATH"] ?? ""].join(":");
  const result = await run(bun, command, {
    cwd: appDir,
    environment: toolEnvironment(environment, { PATH: path, BUN_BE_BUN: "1" }),
  });
  if (result.code === 0) return;
  const lines = `${result.stdout}\n${result.stderr}`.split("\n").filter((line) => line.trim() !== "");
  const fix = `make "${said === "build" ? "npm run build" : `npx ${said}`}" work in the app, with its devDependencies installed`;
  const noCompiler = /Script not found "tsc"/.test(result.stderr);
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: `the app's own "${said}" failed (${result.signal ?? `exit ${result.code}`})`,
    where: join(app.dir, "package.json"),
    detail: lines.slice(-20),
    fix: noCompiler ? 'add typescript to "devDependencies", or a "build" script' : fix,
  });
}

interface BuiltEntry {
  readonly appDir: string;
  readonly entry: string;
  readonly inside: string;
  readonly part: string;
  readonly built: string | undefined;
}

/** @throws GantryError CONFIG_INVALID when what starts the app is no JavaScript */
function checkCompiled(app: App, entry: string): void {
  if (/\.[cm]?js$/.test(entry)) return;
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: `the entry ${entry} is no JavaScript: a release is compiled ahead of time`,
    where: join(app.dir, "package.json"),
    fix: 'set "gantry.entry" to the file that the build makes, such as "dist/index.js"',
  });
}

/** @throws GantryError CONFIG_INVALID when there is no such file, or it lies outside lib/app */
function checkEntry(app: App, { appDir, entry, inside, part, built }: BuiltEntry): void {
  const where = join(app.dir, "package.json");
  const refuse = (what: string, fix: string): never => {
    throw new GantryError({ code: "CONFIG_INVALID", what, where, fix });
  };
  if (inside.startsWith(".."))
    refuse(`the entry ${entry} does not lie in "gantry.app", ${part}`, 'correct "gantry.app"');
  if (existsSync(join(appDir, entry))) return;
  if (built === undefined)
    refuse(`the app has no ${entry}, and no "build" script that makes it`, 'add a "build" script');
  else refuse(`${entry} is not among what "${built}" made`, 'correct "gantry.entry", or the build');
}

/** Left out of lib/app: what only compilers, editors and debuggers read. */
const BUILD_ONLY = /\.d\.[cm]?ts$|\.d\.[cm]?ts\.map$|\.tsbuildinfo$|\.[cm]?tsx?$/;
const SOURCE_MAP = /\.[cm]?js\.map$/;

/**
 * Fills lib/app. Its package.json says whether `.js` is ESM, as the app's own does.
 * @param sourcemaps keep them, for `--enable-source-maps`
 */
export function copyJavaScript(built: BuiltJavaScript, to: string, app: App, sourcemaps: boolean): void {
  const copy = (below: string): void => {
    mkdirSync(join(to, below), { recursive: true });
    for (const entry of readdirSync(join(built.directory, below), { withFileTypes: true })) {
      const path = join(below, entry.name);
      if (entry.name === NAMES.modules || entry.name.startsWith(".env")) continue;
      if (entry.isDirectory()) copy(path);
      else if (!BUILD_ONLY.test(entry.name) && (sourcemaps || !SOURCE_MAP.test(entry.name)))
        copyFileSync(join(built.directory, path), join(to, path));
    }
  };
  copy("");
  const own = join(to, NAMES.packageJson);
  if (existsSync(own)) return;
  const { name, version } = app;
  const { type } = app.packageJson;
  const imports = rebaseImports(app.packageJson["imports"], built.part);
  const json = { name, version, private: true, ...(type === undefined ? {} : { type }), ...imports };
  writeFileSync(own, `${JSON.stringify(json, null, 2)}\n`);
}

/** `#imports` of the app's package.json, as they read from lib/app; what lies outside it is left out. */
function rebaseImports(value: unknown, part: string): { readonly imports?: unknown } {
  const prefix = part === "." ? "./" : `./${part}/`;
  const rebase = (target: unknown): unknown => {
    if (typeof target === "string") {
      if (!target.startsWith("./")) return target;
      return target.startsWith(prefix) ? `./${target.slice(prefix.length)}` : undefined;
    }
    if (typeof target !== "object" || target === null || Array.isArray(target)) return undefined;
    return Object.fromEntries(Object.entries(target).map(([key, inner]) => [key, rebase(inner)]));
  };
  const imports = rebase(value);
  return imports === undefined ? {} : { imports };
}

/** Every JavaScript file below a directory, relative to it. */
export function listJavaScript(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?js$/.test(entry.name))
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .toSorted();
}
