/**
 * Makes a Node app's JavaScript with the app's own build script or tools, in a private copy of its workspace, and
 * selects the directory that becomes lib/app. The app's own directory is not changed, and output of earlier builds in
 * it is not used.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { GantryError } from "../../base/errors.ts";
import { outputLines } from "../../base/process/index.ts";
import { NAMES } from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import { copyEnvFiles, copyWorkspace, isOutput, partOf, type App, type Sources } from "../app/index.ts";
import type { Scratch } from "../scratch.ts";
import { listTraced, recognizeOutput, takeOutput, type AppOutput } from "../output/index.ts";
import { planCompilation, runTool } from "./compilation.ts";
import { bringModules, namesPackage, readMembers, refuseUncompiled, type Member } from "./members.ts";
import { readOutside } from "./outside.ts";

export interface BuiltJavaScript {
  /** The directory that becomes lib/app. */
  readonly directory: string;
  /** The file that starts the app, relative to `directory`. */
  readonly entry: string;
  /** Path of `directory`, relative to the app. */
  readonly part: string;
  /** Packages of the workspace that the app may import. Those that it does import are shipped with it. */
  readonly members: readonly Member[];
  /** Names of the packages that the build traced into its output. Undefined when the release's tree has to bring all. */
  readonly traced?: ReadonlySet<string>;
  /** True when `directory` is shipped as it is: a framework made it for that. */
  readonly complete: boolean;
  readonly dispose: () => void;
}

export interface BuildJavaScriptOptions {
  readonly app: App;
  readonly sources: Sources;
  readonly bun: string;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  readonly log: { readonly [name in "info" | "warn"]: (text: string) => void };
}

/**
 * Runs the app's `build` script, or its bundler or compiler when it has no such script.
 * @throws GantryError CONFIG_INVALID with the output of a script or tool that failed, or when the entry was not made
 */
export async function buildJavaScript(options: BuildJavaScriptOptions): Promise<BuiltJavaScript> {
  const { app, sources, scratch } = options;
  const top = scratch.makePrivate();
  const dispose = (): void => scratch.remove(top);
  try {
    copyWorkspace(sources.root, top);
    bringModules(app, sources.root, top);
    bringEnvFiles(options, top);
    const members = await buildMembers(options, top);
    const appDir = join(top, relative(sources.root, sources.appDir));
    const { command, entry, config } = await planCompilation({ ...options, appDir });
    const part = partOf(app, entry);
    if (command !== undefined) {
      if (isOutput(app, part)) rmSync(join(appDir, part), { recursive: true, force: true });
      if (config !== undefined) writeFileSync(join(appDir, config.path), config.text);
      await runCommand(command, { ...options, appDir, whose: "the app's", below: app.dir });
    }
    const output = findOutput(app, appDir, entry);
    if (output?.traced === true) {
      const taken = takeTraced(options, appDir, output);
      dispose();
      return taken;
    }
    const place = output?.directory ?? part;
    const inside = relative(place, entry);
    checkEntry(app, { appDir, entry, inside, part: place, built: command?.join(" ") ?? "" });
    if (output === undefined) warnOfOutside(appDir, part, options);
    const directory = join(appDir, place);
    const complete = output !== undefined;
    return { directory, entry: inside.split(sep).join("/"), part: place, members, complete, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Brings the .env files that the app's own build finds where its sources are. What is taken of it has none. */
function bringEnvFiles({ app, sources, log }: BuildJavaScriptOptions, top: string): void {
  const members = readMembers(sources.appDir, sources.root).map(({ path }) => path);
  const places = ["", relative(app.workspaceRoot, app.dir), ...members];
  const files = copyEnvFiles(app.workspaceRoot, top, places);
  if (files.length > 0) log.info(`the app's own build sees ${files.join(" and ")}, which are not shipped`);
}

/** The output of a framework's build. Undefined when "gantry.app" names another directory. */
function findOutput(app: App, appDir: string, entry: string): AppOutput | undefined {
  const part = partOf(app, entry);
  const output = recognizeOutput(appDir, entry, isOutput(app, part) ? part : undefined);
  return [undefined, output?.directory].includes(app.settings.app) ? output : undefined;
}

/** Takes an output together with the packages that the build traced into it. */
function takeTraced(
  { scratch, log }: BuildJavaScriptOptions,
  appDir: string,
  output: AppOutput,
): BuiltJavaScript {
  const directory = scratch.makePrivate();
  takeOutput(appDir, output, directory);
  const traced = listTraced(directory);
  log.info(
    `taking ${output.directory} as the build made it (${output.name}), with its ${traced.size} packages`,
  );
  const dispose = (): void => scratch.remove(directory);
  const { entry, directory: part } = output;
  return { directory, entry, part, members: [], traced, complete: true, dispose };
}

/** Builds those workspace members on which the app depends, with their own scripts, in the copy of the workspace. */
async function buildMembers(options: BuildJavaScriptOptions, top: string): Promise<Member[]> {
  const { app, sources } = options;
  const members = readMembers(sources.appDir, sources.root);
  for (const { name, path, json } of members) {
    if (json.scripts?.["build"] === undefined) continue;
    const [appDir, below] = [join(top, path), join(app.workspaceRoot, path)];
    await runCommand(["run", "build"], { ...options, appDir, whose: `${name}'s`, below });
  }
  return members.map((member) => Object.freeze({ ...member, directory: join(top, member.path) }));
}

interface RunCommand extends BuildJavaScriptOptions {
  /** The directory in which the command runs. */
  readonly appDir: string;
  readonly whose: string;
  /** The original directory of which `appDir` is a copy, for messages. */
  readonly below: string;
}

async function runCommand(command: readonly string[], options: RunCommand): Promise<void> {
  const { whose, below, log } = options;
  const said = command.slice(1).join(" ");
  log.info(`running ${whose} own ${said}`);
  const result = await runTool(command, options);
  if (result.code === 0) return;
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: `${whose} own "${said}" failed (${result.signal ?? `exit ${result.code}`})`,
    where: join(below, "package.json"),
    detail: outputLines(result.stdout, result.stderr).slice(-20),
    fix: failedFix(said, whose === "the app's" ? "the app" : below),
  });
}

function failedFix(said: string, below: string): string {
  if (said === "build") return `make "npm run build" work in ${below}, with its devDependencies installed`;
  return `correct what it complains of, or add a "build" script that makes the entry (this ran because there is none)`;
}

function warnOfOutside(appDir: string, part: string, { app, log }: BuildJavaScriptOptions): void {
  if (part === ".") return;
  const exists = (path: string): boolean => existsSync(join(appDir, path));
  for (const name of listJavaScript(join(appDir, part))) {
    const file = join(part, name);
    const outside = readOutside(readFileSync(join(appDir, file), "utf8"), file, part, exists);
    if (outside.length === 0) continue;
    log.warn(
      `${file} names ${outside.join(" and ")}, beside the directory that becomes lib/app: if ${app.name} reads that when it runs, set "gantry.app" to ".", so that lib/app holds the whole app`,
    );
  }
}

interface BuiltEntry {
  readonly appDir: string;
  readonly entry: string;
  readonly inside: string;
  readonly part: string;
  /** The command that was run, for messages. */
  readonly built: string;
}

/**
 * Checks that the entry was made.
 * @throws GantryError CONFIG_INVALID when there is no such file, or it lies outside lib/app
 */
function checkEntry(app: App, { appDir, entry, inside, part, built }: BuiltEntry): void {
  const where = join(app.dir, "package.json");
  const refuse = (what: string, fix: string): never => {
    throw new GantryError({ code: "CONFIG_INVALID", what, where, fix });
  };
  if (inside.startsWith(".."))
    refuse(`the entry ${entry} does not lie in "gantry.app", ${part}`, 'correct "gantry.app"');
  if (existsSync(join(appDir, entry))) return;
  refuse(`${entry} is not among what "${built}" made`, app.unready ?? 'correct "gantry.entry", or the build');
}

/** Matches files that are left out of lib/app, because only compilers, editors and debuggers read them. */
const BUILD_ONLY = /\.d\.[cm]?ts$|\.d\.[cm]?ts\.map$|\.tsbuildinfo$|\.[cm]?tsx?$/;
const SOURCE_MAP = /\.[cm]?js\.map$/;

/**
 * Fills lib/app. Its package.json says whether `.js` is ESM, as the app's own does.
 * @param to the path of lib/app
 * @param sourcemaps true to keep source maps, for `--enable-source-maps`
 */
export function copyJavaScript(built: BuiltJavaScript, to: string, app: App, sourcemaps: boolean): void {
  const left = leftOut(sourcemaps, built.complete);
  if (built.traced === undefined) copyCompiled(built.directory, to, left);
  else cpSync(built.directory, to, { recursive: true, filter: (path) => !left(basename(path)) });
  copyMembers(built, to, app, sourcemaps);
  const own = join(to, NAMES.packageJson);
  if (existsSync(own)) return;
  const { name, version } = app;
  const { type } = app.packageJson;
  const imports = rebaseImports(app.packageJson["imports"], built.part);
  const json = { name, version, private: true, ...(type === undefined ? {} : { type }), ...imports };
  writeFileSync(own, `${JSON.stringify(json, null, 2)}\n`);
}

type IsLeftOut = (name: string) => boolean;

/** Says which files stay behind. Of a complete output only maps do: a `.ts` file in it may be a video. */
function leftOut(sourcemaps: boolean, complete: boolean): IsLeftOut {
  return (name) => (!complete && BUILD_ONLY.test(name)) || (!sourcemaps && SOURCE_MAP.test(name));
}

function copyCompiled(from: string, to: string, isLeftOut: IsLeftOut): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.name === NAMES.modules || entry.name.startsWith(".env")) continue;
    // A link is replaced by the file or directory that it leads to. It is left out when that is missing or contains the
    // link.
    const found = statSync(source, { throwIfNoEntry: false });
    if (found === undefined || (entry.isSymbolicLink() && isAbove(source, from))) continue;
    if (found.isDirectory()) copyCompiled(source, target, isLeftOut);
    else if (found.isFile() && !isLeftOut(entry.name)) copyFileSync(source, target);
  }
}

function isAbove(link: string, directory: string): boolean {
  return `${realpathSync(directory)}/`.startsWith(`${realpathSync(link)}/`);
}

/** Copies the workspace members that the compiled app imports, and those that they import. */
function copyMembers({ members }: BuiltJavaScript, to: string, app: App, sourcemaps: boolean): void {
  const left = new Set(members);
  const copied = new Map([[to, undefined as Member | undefined]]);
  for (const directory of copied.keys()) {
    const text = listJavaScript(directory).map((file) => readFileSync(join(directory, file), "utf8"));
    for (const member of left) {
      if (!text.some((one) => namesPackage(one, member.name))) continue;
      left.delete(member);
      const place = join(to, NAMES.modules, member.name);
      copyCompiled(member.directory, place, leftOut(sourcemaps, false));
      copied.set(place, member);
    }
  }
  refuseUncompiled(copied, app.workspaceRoot);
}

/** The `imports` of the app's package.json, with paths for lib/app. Targets outside lib/app are left out. */
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
