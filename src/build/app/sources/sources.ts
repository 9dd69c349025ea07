/**
 * Makes an app's production dependencies resolvable. When they are installed, the app's own directory is used.
 * Otherwise a private copy is installed from the app's lockfile, without running scripts: for a Node app by the package
 * manager that wrote the lockfile, else by Bun. The app's own directory is never written.
 */
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { GantryError } from "../../../base/errors.ts";
import { run } from "../../../base/process/index.ts";
import { toolEnvironment } from "../../../runtime/index.ts";
import type { Environment } from "../../../base/environment.ts";
import { applyPatches, callsPatchPackage } from "../../package-manager/index.ts";
import { ensureBunLock, outOfStep, toolLines, unusable } from "./convert-lockfile.ts";
import type { App } from "../app.ts";
import { readBuildStep } from "../build-step.ts";
import type { Bun } from "../tools/index.ts";
import { copyWorkspace } from "./copy-workspace.ts";
import { bunProblem, installFailure } from "./install-failure.ts";
import { readInstalled } from "./installed-packages.ts";
import type { Scratch } from "../../scratch.ts";
import { installAsLocked } from "./owner-install.ts";

/** Where to compile from: the app's directory and workspace, or a private copy of them. */
export interface Sources {
  readonly appDir: string;
  /** The workspace root: `appDir` or a directory above it. Modules above the root are not used. */
  readonly root: string;
  /** The app's entry in these sources. */
  readonly entry: string;
  readonly kind: "in-place" | "copy";
  /** Removes the private copy. Does nothing when there is none. */
  readonly dispose: () => void;
}

export interface InstallSourcesOptions {
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  /** Replaces every configured registry when given. */
  readonly registry?: string | undefined;
  readonly log?: { readonly [name in "info" | "warn"]: (text: string) => void };
}

/** The app's own directory as sources. Undefined when a production dependency is missing there. */
export function readInstalledSources(app: App): Sources | undefined {
  if (readInstalled(app.dir, app.workspaceRoot).missing.length > 0) return undefined;
  const { dir, workspaceRoot: root, entry } = app;
  return Object.freeze({ appDir: dir, root, entry, kind: "in-place", dispose: () => {} });
}

/**
 * Returns sources in which every production dependency resolves. For a Node app that has to be built, its
 * devDependencies are installed too.
 * @throws GantryError CONFIG_INVALID when the lockfile does not fit or cannot be read; NETWORK_FAILED,
 *   MODULE_UNAVAILABLE, DIGEST_MISMATCH or DISK_FULL when the installation fails
 */
export async function ensureInstalled(app: App, bun: Bun, options: InstallSourcesOptions): Promise<Sources> {
  const installed = readInstalledSources(app);
  if (installed !== undefined && !lacksBuildTools(app)) return installed;
  const { scratch } = options;
  const top = scratch.makePrivate();
  const dispose = (): void => scratch.remove(top);
  try {
    return Object.freeze({ ...(await installCopy(app, bun, options, top)), dispose });
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Says whether no tool of the app takes part in its build: a Node app that is JavaScript already. */
const isBuilt = (app: App): boolean => app.settings.runtime === "node" && readBuildStep(app).kind === "none";

/** Which dependencies a build needs. What applies the app's patches is a development dependency. */
function neededGroups(app: App): "all" | "production" {
  return isBuilt(app) && !callsPatchPackage([app.workspaceRoot, app.dir]) ? "production" : "all";
}

/** Says whether a Node app that has to be built lacks a devDependency. Its own script or tools may need it. */
function lacksBuildTools(app: App): boolean {
  if (app.settings.runtime !== "node" || isBuilt(app) || readBuildStep(app).kind === "missing") return false;
  const places = [app.dir, app.workspaceRoot].map((directory) => join(directory, "node_modules"));
  return Object.keys(app.packageJson.devDependencies ?? {}).some(
    (name) => !places.some((modules) => existsSync(join(modules, name))),
  );
}

async function installCopy(
  app: App,
  bun: Bun,
  options: InstallSourcesOptions,
  top: string,
): Promise<Omit<Sources, "dispose">> {
  const { lockfile } = app;
  options.log?.info(`installing ${app.name}'s dependencies in a private copy`);
  copyWorkspace(app.workspaceRoot, top);
  if (lockfile === undefined) {
    options.log?.warn(
      `${app.name} has no lockfile: its dependencies are resolved now, and another day differently; commit one`,
    );
  }
  if (
    lockfile === undefined ||
    !(await installAsLocked(app, lockfile, { ...options, groups: neededGroups(app) }, top))
  ) {
    if (lockfile !== undefined) {
      const directory = join(top, relative(app.workspaceRoot, dirname(lockfile.path)));
      await ensureBunLock({ ...options, directory, kind: lockfile.kind, bun, where: lockfile.path });
    }
    await install(app, bun, options, top);
  }
  const appDir = join(top, relative(app.workspaceRoot, app.dir));
  await applyPatches([top, appDir], top, { environment: options.environment, where: app.dir });
  const { missing } = readInstalled(appDir, top);
  if (missing.length > 0) {
    throw new GantryError({
      code: "MODULE_UNAVAILABLE",
      what: "dependencies are still missing after the installation",
      where: app.dir,
      detail: missing.slice(0, 8),
      fix: "install them in the app and build again",
    });
  }
  const entry = join(appDir, relative(app.dir, app.entry));
  return { appDir, root: top, entry, kind: "copy" };
}

/** Installs everything that the build needs. The app's build plugins may be among its development dependencies. */
async function install(app: App, bun: Bun, options: InstallSourcesOptions, top: string): Promise<void> {
  const { lockfile } = app;
  const directory =
    lockfile === undefined ? top : join(top, relative(app.workspaceRoot, join(lockfile.path, "..")));
  const args = [
    "install",
    ...(lockfile === undefined ? ["--save-text-lockfile"] : ["--frozen-lockfile"]),
    ...(neededGroups(app) === "production" ? ["--omit=dev"] : []),
    "--ignore-scripts",
    "--backend=copyfile",
    "--linker=hoisted",
    "--no-progress",
    ...(options.registry === undefined ? [] : [`--registry=${options.registry}`]),
  ];
  const result = await run(bun.path, args, {
    cwd: directory,
    environment: toolEnvironment(options.environment),
  });
  if (result.code === 0) return;
  const detail = toolLines(result.stderr);
  if (lockfile !== undefined && /failed to parse lockfile/i.test(result.stderr)) {
    throw unusable({ kind: lockfile.kind, bun, where: lockfile.path }, detail);
  }
  if (lockfile !== undefined && /lockfile had changes/i.test(result.stderr)) {
    throw outOfStep(lockfile.kind, lockfile.path, detail);
  }
  throw installFailure(bunProblem(result.stderr), detail, app.dir);
}
