/**
 * Plans how a Node app's JavaScript is made, and which file then starts the app. The app's own `build` script makes it,
 * else a tool that the app already has. The app's TypeScript is asked for its tsconfig.json. Nothing is changed.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { GantryError } from "../../base/errors.ts";
import { run, type RunResult, SELF } from "../../base/process/index.ts";
import { toolEnvironment } from "../../runtime/index.ts";
import type { Environment } from "../../base/environment.ts";
import {
  deriveSource,
  emittingConfig,
  entryOf,
  esbuildCommand,
  isJavaScript,
  partOf,
  readBuildStep,
  swcCommand,
  type App,
  type BuildTool,
  type CheckedConfig,
} from "../app/index.ts";

export interface Compilation {
  /** Arguments for Bun, which runs the tool. Undefined for an app that is JavaScript already. */
  readonly command: readonly string[] | undefined;
  /** The file that starts the app after the compilation, relative to the app. */
  readonly entry: string;
  /** A configuration file that has to be written for the tool. */
  readonly config?: { readonly path: string; readonly text: string };
}

export interface CompilationOptions {
  readonly app: App;
  /** The private copy of the app. */
  readonly appDir: string;
  readonly bun: string;
  readonly environment: Environment;
}

/**
 * Plans how the app's JavaScript is made.
 * @throws GantryError CONFIG_INVALID when nothing can make the entry, or when it is not known where a tool puts it
 */
export async function planCompilation(options: CompilationOptions): Promise<Compilation> {
  const { app } = options;
  const entry = entryOf(app);
  const step = readBuildStep(app);
  if (!isJavaScript(entry) && !existsSync(app.entry)) refuseAbsent(app, entry);
  switch (step.kind) {
    case "none":
      return { command: undefined, entry };
    case "script":
      checkCompiled(app, entry, `the "${step.name}" script`);
      return { command: ["run", step.name], entry };
    case "bundler":
      checkCompiled(app, entry, step.name);
      return { command: ["run", ...step.command], entry };
    case "compilers":
      return (await planCompilers(options, entry, step.names)) ?? refuseMissing(app, entry);
    case "missing":
      return refuseMissing(app, entry);
  }
}

type Compilers = Extract<BuildTool, { kind: "compilers" }>["names"];

async function planCompilers(
  options: CompilationOptions,
  entry: string,
  names: Compilers,
): Promise<Compilation | undefined> {
  const { app, appDir } = options;
  const source = deriveSource(entry, partOf(app, entry), (path) => existsSync(join(appDir, path)));
  const swc = source === undefined || !names.includes("swc") ? undefined : swcCommand(source);
  if (source !== undefined && swc !== undefined) return { command: ["run", ...swc], entry: source.entry };
  const config = names.includes("tsc") ? await readTypeScriptConfig(options) : undefined;
  // A tsconfig.json that writes JavaScript is used as it is. An invalid one is used too, because the compiler then
  // reports what is wrong.
  if (names.includes("tsc") && isJavaScript(entry) && (source === undefined || config?.emits !== false))
    return { command: ["run", "tsc", "-p", "."], entry };
  if (source === undefined) return undefined;
  if (names.includes("esbuild")) {
    const module = app.packageJson.type === "module" ? "esm" : "cjs";
    return { command: ["run", ...esbuildCommand(source, module)], entry: source.entry };
  }
  const path = "tsconfig.gantry.json";
  const text = JSON.stringify(
    emittingConfig(source, config ?? { files: [], emits: false, importsTs: false }),
  );
  return { command: ["run", "tsc", "-p", path], entry: source.entry, config: { path, text } };
}

/** Runs one of the app's own tools, or its script. */
export async function runTool(
  command: readonly string[],
  { appDir, bun, environment }: Omit<CompilationOptions, "app">,
): Promise<RunResult> {
  // The Node that runs gantry comes first on the PATH, so that the tools always have one.
  const path = [dirname(SELF.executable), environment["PATH"] ?? ""].join(":");
  return await run(bun, command, {
    cwd: appDir,
    environment: toolEnvironment(environment, { PATH: path, BUN_BE_BUN: "1" }),
  });
}

/** The app's tsconfig.json with everything that it extends. Undefined when TypeScript reports an error in it. */
async function readTypeScriptConfig(options: CompilationOptions): Promise<CheckedConfig | undefined> {
  const { code, stdout } = await runTool(["run", "tsc", "-p", ".", "--showConfig"], options);
  if (code !== 0) return undefined;
  const { files = [], compilerOptions = {} } = JSON.parse(stdout) as {
    readonly files?: readonly string[];
    readonly compilerOptions?: Readonly<Record<string, unknown>>;
  };
  const { noEmit, emitDeclarationOnly, allowImportingTsExtensions } = compilerOptions;
  const emits = noEmit !== true && emitDeclarationOnly !== true;
  return { files, emits, importsTs: allowImportingTsExtensions === true };
}

/**
 * Checks that the entry is JavaScript.
 * @param maker what makes the JavaScript, for messages
 * @throws GantryError CONFIG_INVALID when the file that starts the app is not JavaScript
 */
function checkCompiled(app: App, entry: string, maker: string): void {
  if (isJavaScript(entry)) return;
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: `the entry ${entry} is no JavaScript: a release is compiled ahead of time`,
    where: join(app.dir, "package.json"),
    fix: `set "gantry.entry" to what ${maker} makes of ${entry}, such as "${usualOutput(entry)}"`,
  });
}

function usualOutput(entry: string): string {
  return `dist/${entry.replace(/^(?:src|dist)\//, "").replace(/(?:\.([cm]?)[jt]sx?)?$/, ".$1js")}`;
}

/** @throws GantryError CONFIG_INVALID always */
function refuseAbsent(app: App, entry: string): never {
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: `the app has no ${entry}, which is to start it`,
    where: join(app.dir, "package.json"),
    fix: `set "gantry.entry" to the file that starts the app, such as "${usualOutput(entry)}"`,
  });
}

/** @throws GantryError CONFIG_INVALID always */
function refuseMissing(app: App, entry: string): never {
  const compiled = isJavaScript(entry);
  const { scripts, devDependencies, dependencies } = app.packageJson;
  const near = Object.keys(scripts ?? {}).find((name) => /^(?:build|compile|bundle)\b/.test(name));
  const hasConfig = existsSync(join(app.dir, "tsconfig.json"));
  const lacksCompiler = hasConfig && { ...devDependencies, ...dependencies }["typescript"] === undefined;
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: compiled
      ? `the app has no ${entry}, and nothing that makes it: no "build" script, and no bundler or compiler that is set up`
      : `the entry ${entry} is no JavaScript, and nothing compiles it ahead of time: no "build" script, and no compiler that is set up`,
    where: join(app.dir, "package.json"),
    fix: missingFix(near, lacksCompiler, compiled ? entry : usualOutput(entry)),
  });
}

function missingFix(near: string | undefined, lacksCompiler: boolean, entry: string): string {
  if (near !== undefined)
    return `add the script "build": "npm run ${near}" if that makes ${entry}, and set "gantry.entry" to "${entry}"`;
  if (lacksCompiler) return 'add typescript to "devDependencies", or a "build" script';
  return `add a "build" script and set "gantry.entry" to what it makes, such as "${entry}"`;
}
