/**
 * Compiles one app with Bun.build. compile.ts runs it as `worker.ts SPEC RESULT`, under the Bun that becomes part of
 * the executable. Both are JSON files (spec.ts). It exits with 0 whenever it could write a result.
 */
import { build, version, type BuildConfig, type BuildOutput, type BunPlugin } from "bun";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { argv, chdir, cwd, env, execPath, exit } from "node:process";
import { fileURLToPath } from "node:url";
import { preferBytecode, type Form } from "./bytecode.ts";
import { bundlerSettings } from "./bundler-settings.ts";
import { loadPlugin } from "./load-plugin.ts";
import { changeAfter, changeSources, pinExternals } from "./plugin.ts";
import { placeIn, sourceChanger, type Entries } from "./source-changes.ts";
import { packageOf } from "../external-stubs.ts";
import { readReached, type Metafile } from "../reached.ts";
import { createShapeReader } from "./shape.ts";
import type { BuildProblem, CompileSpec, WorkerResult } from "../spec.ts";

const [, , specFile = "", resultFile = ""] = argv;
const spec = JSON.parse(readFileSync(specFile, "utf8")) as CompileSpec;
// Bun makes the executable in the current directory and then moves it. A build with plugins runs in the app's
// directory, because plugins may read files by relative paths; if it is killed, it leaves an incomplete file there.
// Other builds run in a new directory with an empty tsconfig.json, because Bun would use a tsconfig.json of the current
// directory or of one above it.
if (spec.plugins.length === 0) {
  const place = `${spec.outfile}.work`;
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "tsconfig.json"), "{}");
  chdir(place);
} else {
  chdir(spec.appDir);
}
writeFileSync(resultFile, JSON.stringify(await compile()));
rmSync(`${spec.outfile}.work`, { recursive: true, force: true });
// exit(), because a plugin may leave timers or servers running.
exit(0);

async function compile(): Promise<WorkerResult> {
  const plugins: BunPlugin[] = [];
  for (const path of spec.plugins) {
    try {
      plugins.push(await loadPlugin(path));
    } catch (error) {
      return { ok: false, stage: "plugin", problems: [{ message: messageOf(error), file: path }] };
    }
  }
  const prelude = await readPrelude();
  return preferBytecode((form) => attempt(plugins, prelude, form, spec.workers));
}

/** The prelude's source, bundled into one text, because the bundler resolves no imports of a module without a file. */
async function readPrelude(): Promise<string> {
  const entry = fileURLToPath(new URL(`../prelude/prelude${extname(import.meta.url)}`, import.meta.url));
  const { outputs } = await build({
    entrypoints: [entry],
    target: "bun",
    minify: { whitespace: true },
    define: {
      gantryExternalNames: JSON.stringify(spec.externals.join(",")),
      gantryEntry: JSON.stringify(placeIn(spec.root, spec.entry)),
    },
  });
  return (await outputs[0]?.text()) ?? "";
}

/** Compiles with these workers. Where the sources start others, it compiles again, with those as well. */
async function attempt(
  plugins: readonly BunPlugin[],
  prelude: string,
  form: Form,
  workers: readonly string[],
): Promise<WorkerResult> {
  const imports = new Map<string, Set<string>>();
  const entries: Entries = {
    paths: [spec.entry, ...workers],
    binary: basename(spec.outfile),
    done: new Set(),
  };
  const change = sourceChanger({ ...spec, entries, plugged: plugins.length > 0 });
  const pin = pinExternals({
    externals: spec.externals,
    prelude,
    readShape: createShapeReader([spec.modulesRoot, spec.appDir], spec.work, {
      path: execPath,
      environment: env,
    }),
    onImport: (name, specifier) => imports.set(name, (imports.get(name) ?? new Set()).add(specifier)),
  });
  const config = buildConfig(
    [pin, ...plugins.map((plugin) => changeAfter(plugin, change)), changeSources(change)],
    form,
    entries.paths,
  );
  try {
    const output = await build(config);
    if (!output.success) return { ok: false, stage: "build", problems: output.logs.map(problemOf) };
    const others = change.workers();
    if (others.length > 0) return await attempt(plugins, prelude, form, [...workers, ...others]);
    const bare = entries.paths.filter((path) => !entries.done.has(path));
    if (bare.length > 0) return { ok: false, stage: "plugin", problems: bare.map(explainBare) };
    return {
      ok: true,
      bunVersion: version,
      imports: Object.fromEntries(
        [...imports].map(([name, specifiers]) => [name, [...specifiers].toSorted()]),
      ),
      ...change.assets(),
      reached: reachedBy(output),
      files: output.outputs.map(({ path }) => path).filter((path) => path !== spec.outfile),
    };
  } catch (error) {
    const errors: readonly unknown[] =
      error instanceof AggregateError ? (error.errors as unknown[]) : [error];
    return { ok: false, stage: "build", problems: errors.map(problemOf) };
  }
}

function reachedBy(output: BuildOutput): ReturnType<typeof readReached> {
  // The metafile is missing in Bun's types of BuildOutput.
  const { metafile = { inputs: {} } } = output as { readonly metafile?: Metafile };
  const externals = new Set(spec.externals);
  return readReached(metafile, {
    directory: cwd(),
    root: spec.root,
    entry: spec.entry,
    externalOf: (specifier) => {
      const name = packageOf(specifier);
      return externals.has(name) ? name : undefined;
    },
  });
}

/**
 * The message for an entry point that the prelude could not be put before. Such an app would load modules from
 * anywhere, so it must not be built.
 */
function explainBare(file: string): BuildProblem {
  return { message: "it loads this entry point in a way that leaves no room for gantry's own import", file };
}

function buildConfig(plugins: BunPlugin[], form: Form, entrypoints: readonly string[]): BuildConfig {
  return {
    ...bundlerSettings(spec),
    entrypoints: [...entrypoints],
    // Names of classes and functions are kept, because the app can read them: constructor.name, error.name.
    minify: { whitespace: true, syntax: true, identifiers: true, keepNames: true },
    bytecode: form === "bytecode",
    sourcemap: spec.sourcemap,
    metafile: true,
    plugins,
    compile: {
      target: spec.target as Bun.Build.CompileTarget,
      outfile: spec.outfile,
      // Files in the directory in which the app is started must not affect it.
      autoloadBunfig: false,
      autoloadDotenv: false,
      autoloadTsconfig: false,
      // Without this, Bun reads no `main` and no `exports` of any external.
      autoloadPackageJson: true,
    },
  };
}

function problemOf(log: unknown): BuildProblem {
  if (typeof log !== "object" || log === null) return { message: String(log) };
  const { message, position, specifier } = log as Partial<ResolveMessage>;
  return {
    message: message ?? messageOf(log),
    ...(position?.file === undefined ? {} : { file: position.file }),
    ...(position === undefined || position === null
      ? {}
      : { line: position.line, source: position.lineText }),
    ...(specifier === undefined ? {} : { specifier }),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
