/**
 * Makes the program of a release: a binary that Bun compiles, or the app's JavaScript with the Node that runs it. Both
 * have the same result type.
 */
import { join } from "node:path";
import { NAMES } from "../release/index.ts";
import { compileApp } from "./compile/index.ts";
import type { BuildContext } from "./build-context.ts";
import { makeNodeProgram } from "./node/index.ts";
import type { InstalledTarget, Program } from "./stage-types.ts";

/** Makes the program in the release's lib/. */
export async function makeProgram(context: BuildContext, installed: InstalledTarget): Promise<Program> {
  const { node } = installed;
  return node === undefined
    ? await compileProgram(context, installed)
    : await makeNodeProgram(context, { ...installed, node });
}

async function compileProgram(
  { app, sources, builder, environment, scratch, log, trace }: BuildContext,
  { target, release, treeDirectory, analysis }: InstalledTarget,
): Promise<Program> {
  log.info(`${target.name}: compiling`);
  const executable = join(release, NAMES.lib, app.settings.binary);
  const compiled = await compileApp({
    bun: builder.path,
    appDir: sources.appDir,
    root: sources.root,
    entry: sources.entry,
    outfile: executable,
    target,
    externals: analysis.externals.map((external) => external.name),
    modulesRoot: treeDirectory,
    settings: app.settings.build,
    workers: trace?.workers,
    environment,
    scratch,
  });
  if (compiled.withoutBytecode !== undefined)
    log.warn(`compiled without bytecode: ${compiled.withoutBytecode}`);
  const { externals } = compiled.reached;
  for (const warning of compiled.warnings) log.warn(warning);
  return {
    assets: compiled.assets,
    atStart: new Map(externals.filter(({ atStart }) => atStart).map(({ id, by }) => [id, by])),
    runtime: { kind: "bun", version: compiled.bunVersion },
    imports: compiled.imports,
    probe: { executable, args: [] },
    shipped: executable,
    path: undefined,
  };
}
