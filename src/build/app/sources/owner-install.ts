/** Installs a private copy of a Node app by the package manager that wrote its lockfile. */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Environment } from "../../../base/environment.ts";
import { GantryError } from "../../../base/errors.ts";
import { findPackageManager, installByOwner, type InstallProblem } from "../../package-manager/index.ts";
import type { Scratch } from "../../scratch.ts";
import type { App } from "../app.ts";
import { outOfStep } from "./convert-lockfile.ts";
import { findNpms } from "../tools/index.ts";
import { installFailure } from "./install-failure.ts";
import { LOCKFILE_OWNERS, type Lockfile } from "../workspace.ts";

interface OwnerInstallOptions {
  readonly environment: Environment;
  readonly scratch: Scratch;
  readonly registry?: string | undefined;
  readonly log?: { readonly [name in "info" | "warn"]: (text: string) => void };
  readonly groups: "all" | "production";
}

/**
 * Installs a Node app by the package manager that wrote its lockfile. A Bun app is installed by the Bun that compiles it.
 * @returns false when Bun has to install: for a Bun app, and where this machine has no such package manager
 */
export async function installAsLocked(
  app: App,
  { kind, path }: Lockfile,
  { environment, scratch, registry, log, groups }: OwnerInstallOptions,
  top: string,
): Promise<boolean> {
  const name = LOCKFILE_OWNERS[kind];
  if (app.settings.runtime !== "node" || name === "bun") return false;
  const directory = join(top, relative(app.workspaceRoot, dirname(path)));
  const fetchInto = scratch.makePrivate();
  try {
    const lockfile = readFileSync(path, "utf8");
    const npms = findNpms(environment);
    const manager = await findPackageManager({
      name,
      directory,
      lockfile,
      npms,
      fetchInto,
      environment,
      log,
    });
    if (manager === undefined) {
      const get = name === "npm" ? "install npm" : `run "corepack enable ${name}" or "npm i -g ${name}"`;
      log?.warn(
        `${name} is not here and could not be fetched, so Bun installs what it reads in ${kind}: ${get}`,
      );
      return false;
    }
    log?.info(`installing with ${name} ${manager.version}, by ${kind}`);
    const problem = await installByOwner(manager, { directory, environment, registry, groups });
    if (problem !== undefined) throw lockedFailure(problem, { kind, path }, app.dir);
    return true;
  } finally {
    scratch.remove(fetchInto);
  }
}

/** The error for a frozen installation that its own package manager refused. */
function lockedFailure({ kind, said }: InstallProblem, lockfile: Lockfile, where: string): GantryError {
  const owner = LOCKFILE_OWNERS[lockfile.kind];
  switch (kind) {
    case "out-of-step":
      return outOfStep(lockfile.kind, lockfile.path, said);
    case "unreadable":
      return new GantryError({
        code: "CONFIG_INVALID",
        what: `${owner} cannot use this ${lockfile.kind}`,
        where: lockfile.path,
        detail: said,
        fix: `run "${owner} install" and commit ${lockfile.kind}, or name the version that wrote it in "packageManager"`,
      });
    case "tampered":
    case "absent":
    case "full":
    case "other":
      return installFailure(kind, said, where);
  }
}
