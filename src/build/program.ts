/** What runs a release's app: a binary that Bun compiles, or a Node beside the app's JavaScript. Two ways, one shape. */
import { join } from "node:path";
import { NAMES } from "../release/layout.ts";
import type { ReleaseRuntime } from "../release/manifest.ts";
import { compileApp } from "./compile/compile.ts";
import type { BuildContext } from "./context.ts";
import { makeNodeProgram } from "./node/program.ts";
import type { InstalledTarget } from "./stage.ts";

export interface Program {
  readonly runtime: ReleaseRuntime;
  /** Specifiers that the app imports, by external; see CompileResult. */
  readonly imports: Readonly<Record<string, readonly string[]>>;
  /** What answers the load probe. */
  readonly probe: { readonly executable: string; readonly args: readonly string[] };
  /** The program's file in the release; undefined when the host's own runs it. */
  readonly shipped: string | undefined;
  /** A directory to be searched first, where the release looks for the host's own. */
  readonly path: string | undefined;
}

/** Makes it in the release's lib/. */
export async function makeProgram(context: BuildContext, installed: InstalledTarget): Promise<Program> {
  const { node } = installed;
  return node === undefined
    ? await compileProgram(context, installed)
    : await makeNodeProgram(context, { ...installed, node });
}

async function compileProgram(
  { app, sources, builder, environment, log }: BuildContext,
  { target, release, treeDirectory, analysis }: InstalledTarget,
): Promise<Program> {
  log.info(`${target.name}: compiling`);
  const executable = join(release, NAMES.lib, app.settings.binary);
  const compiled = await compileApp({
    bun: builder.path,
    appDir: sources.appDir,
    entry: sources.entry,
    outfile: executable,
    target,
    externals: analysis.externals.map((external) => external.name),
    modulesRoot: treeDirectory,
    settings: app.settings.build,
    environment,
  });
  if (compiled.withoutBytecode !== undefined)
    log.warn(`compiled without bytecode: ${compiled.withoutBytecode}`);
  return {
    runtime: { kind: "bun", version: compiled.bunVersion },
    imports: compiled.imports,
    probe: { executable, args: [] },
    shipped: executable,
    path: undefined,
  };
}
