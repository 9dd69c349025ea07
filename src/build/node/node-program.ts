/**
 * Makes the program of a Node release: lib/app, lib/preload.cjs and, unless the release uses the host's own Node,
 * lib/node. Every production dependency from a registry, native or not, is in the installed tree. So there is one copy
 * of each package, which lib/app and other packages find by Node's own rules, and whose digest is the same from every
 * source.
 */
import { copyFileSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { GantryError } from "../../base/errors.ts";
import { NAMES, runsOn, type Target } from "../../release/index.ts";
import { nodeFor } from "../app/index.ts";
import type { BuildContext } from "../build-context.ts";
import type { ReleaseLock } from "../lockfile/index.ts";
import type { InstalledTarget, Program } from "../stage-types.ts";
import { withoutNatives } from "../output/index.ts";
import type { ScriptPolicy } from "../tree/index.ts";
import { readImports } from "./imports.ts";
import { copyJavaScript } from "./javascript.ts";
import { buildNatives, refuseUnbuilt } from "./natives.ts";
import { ensureNode, type NodeRuntime } from "./node-runtime.ts";
import { shipNode } from "./strip-node.ts";

/**
 * The Node for which an app is built on a target. Undefined for an app that runs on Bun.
 * @param stage the target's work directory
 */
export async function readNode(
  { app, builder, environment }: BuildContext,
  target: Target,
  stage: string,
): Promise<NodeRuntime | undefined> {
  const { runtime, node } = app.settings;
  if (runtime !== "node" || node === undefined) return undefined;
  return await ensureNode({
    wanted: nodeFor(node, target),
    target,
    directory: join(stage, "node"),
    bun: builder.path,
    environment,
    where: join(app.dir, NAMES.packageJson),
  });
}

interface Completed {
  readonly target: Target;
  readonly node: NodeRuntime;
  readonly lock: Pick<ReleaseLock, "closure" | "optionalDependencies">;
  readonly stage: string;
  readonly modules: string;
  readonly policy: ScriptPolicy;
}

/**
 * Runs the install scripts of packages that lack a native file for this Node.
 * @throws GantryError MODULE_UNAVAILABLE when a required external still lacks one
 */
export async function completeTree(
  { environment, host, log }: BuildContext,
  { target, node, lock, stage, modules, policy }: Completed,
): Promise<void> {
  const { closure } = lock;
  const native = runsOn(target, host);
  const missing = await buildNatives({
    modules,
    closure,
    policy,
    node,
    target,
    native,
    work: stage,
    environment,
    log,
  });
  refuseUnbuilt(missing, closure, new Set(Object.keys(lock.optionalDependencies)));
}

/** Makes the program in the release's lib/. */
export async function makeNodeProgram(
  { app, builder, host, javascript, environment, log }: BuildContext,
  { target, release, treeDirectory, analysis, tree, node }: InstalledTarget & { readonly node: NodeRuntime },
): Promise<Program> {
  if (javascript === undefined)
    throw new GantryError({ code: "INTERNAL", what: "the JavaScript was not built" });
  log.info(
    `${target.name}: Node ${node.version}, NODE_MODULE_VERSION ${node.abi}${node.system ? ", the host's own" : ""}`,
  );
  const directory = join(release, NAMES.app);
  copyJavaScript(javascript, directory, app, (app.settings.build.sourcemap ?? "none") !== "none");
  if (javascript.traced !== undefined) {
    const names = new Set(analysis.externals.map((external) => external.name));
    withoutNatives({ directory, names, target, own: runsOn(target, host) });
  }
  const preload = join(release, NAMES.preload);
  copyFileSync(preloadFile(), preload);
  const modules = join(treeDirectory, NAMES.modules);
  const imports = await readImports({
    directory,
    entry: javascript.entry,
    modules,
    name: app.name,
    traced: javascript.traced !== undefined,
    bun: builder.path,
    environment,
    log,
  });
  const shipped = node.system ? undefined : join(release, NAMES.node);
  if (shipped !== undefined) shipNode(node.executable, shipped);
  return {
    runtime: {
      kind: "node",
      version: node.version,
      abi: node.abi,
      ...(node.napi === undefined ? {} : { napi: node.napi }),
      system: node.system,
      entry: `${NAMES.app}/${javascript.entry}`,
    },
    imports: probedImports(imports, tree.native, [
      ...Object.keys(app.packageJson.dependencies ?? {}),
      ...analysis.externals.map((external) => external.name),
    ]),
    probe: { executable: shipped ?? node.executable, args: ["--no-warnings", preload] },
    shipped,
    path: node.system ? dirname(node.executable) : undefined,
  };
}

/**
 * The imports by which the modules are proven: only those of externals with a native file among their packages.
 * Importing any other package may start something, and its files are compared with their digests in any case.
 */
function probedImports(
  imports: Readonly<Record<string, readonly string[]>>,
  native: readonly { readonly neededBy: readonly string[] }[],
  names: readonly string[],
): Record<string, readonly string[]> {
  const probed = new Set(native.flatMap((file) => file.neededBy));
  const all = new Set([...Object.keys(imports), ...names]);
  return Object.fromEntries(
    [...all].map((name) => [name, probed.has(name) ? (imports[name] ?? [name]) : []]),
  );
}

/** Path of the bundled preload.cjs in dist/. It is found both from gantry's compiled modules and from its sources. */
function preloadFile(): string {
  const places = ["../../preload.cjs", "../../../dist/preload.cjs"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = places.find((file) => existsSync(file));
  if (found !== undefined) return found;
  const what = "the file that Node loads before an app is not there";
  const fix = "install gantry again, or run npm run build in its clone";
  throw new GantryError({ code: "INTERNAL", what, where: places[0] ?? "", fix });
}
