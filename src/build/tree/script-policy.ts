/**
 * Says which packages may run their install scripts, as the app's package manager decides it at home: bun by
 * `trustedDependencies` or its own list, pnpm by `onlyBuiltDependencies` and `allowBuilds`, npm by `ignore-scripts` and
 * `allowScripts`, yarn by `enableScripts` and `dependenciesMeta`.
 */
import { join } from "node:path";
import { parseYAML } from "confbox/yaml";
import { readOptionalText } from "../../base/files/index.ts";
import { run } from "../../base/process/index.ts";
import type { Environment } from "../../base/environment.ts";
import { toolEnvironment } from "../../runtime/index.ts";
import { LOCKFILE_OWNERS, type App, type Bun } from "../app/index.ts";
import { readPackageJson } from "./run-script.ts";

type Manager = "bun" | "npm" | "pnpm" | "yarn";
type Table = Readonly<Record<string, unknown>>;

export interface ScriptPolicy {
  readonly allows: (name: string) => boolean;
  /** The reason why a script was not run, and what allows it, as the end of a sentence. */
  readonly refusal: (name: string) => string;
}

/** The settings that decide, of the app and of its workspace root. */
export interface PolicyFacts {
  readonly manager: Manager;
  readonly manifests: readonly Table[];
  readonly pnpmWorkspace: Table;
  readonly yarnrc: Table;
  readonly npmrc: string;
  /** The packages that bun trusts when package.json has no list. */
  readonly bunDefaults: ReadonlySet<string>;
}

const REFUSALS: Readonly<Record<Manager, string>> = {
  bun: 'bun runs none for it: list it in "trustedDependencies" of package.json',
  pnpm: 'pnpm builds only what it is allowed to: list it in "onlyBuiltDependencies" of pnpm-workspace.yaml',
  npm: 'npm is told to run none: set "allowScripts" for it in package.json, or remove ignore-scripts from .npmrc',
  yarn: 'yarn is told to run none for it: set "dependenciesMeta" with "built": true for it in package.json',
};

type AppOfPolicy = Pick<App, "dir" | "workspaceRoot" | "lockfile" | "packageJson" | "settings">;

/** Reads which packages may run their scripts. */
export async function readScriptPolicy(
  app: AppOfPolicy,
  bun: Pick<Bun, "path">,
  environment: Environment,
): Promise<ScriptPolicy> {
  const directories = [...new Set([app.dir, app.workspaceRoot])];
  const manager = managerOf(app);
  const text = (name: string): string =>
    directories.map((directory) => readOptionalText(join(directory, name)) ?? "").join("\n");
  const yaml = (name: string): Table => {
    const own = directories
      .map((directory) => readOptionalText(join(directory, name)))
      .find((one) => one !== undefined);
    return table(own === undefined ? {} : parseYAML(own));
  };
  return policyOf({
    manager,
    manifests: directories.map((directory) => table(readPackageJson(directory))),
    pnpmWorkspace: yaml("pnpm-workspace.yaml"),
    yarnrc: yaml(".yarnrc.yml"),
    npmrc: text(".npmrc"),
    bunDefaults: manager === "bun" ? await readBunDefaults(bun, app.dir, environment) : new Set(),
  });
}

function managerOf({ lockfile, packageJson, settings }: AppOfPolicy): Manager {
  if (lockfile !== undefined) return LOCKFILE_OWNERS[lockfile.kind];
  const named = /^(bun|npm|pnpm|yarn)@/.exec(String(packageJson.packageManager ?? ""))?.[1];
  return (named as Manager | undefined) ?? (settings.runtime === "bun" ? "bun" : "npm");
}

/** Bun's own list, as this Bun prints it. Empty when it prints none. */
async function readBunDefaults(
  { path }: Pick<Bun, "path">,
  cwd: string,
  environment: Environment,
): Promise<ReadonlySet<string>> {
  const { stdout } = await run(path, ["pm", "default-trusted"], {
    cwd,
    environment: toolEnvironment(environment, { BUN_BE_BUN: "1" }),
  });
  return new Set([...stdout.matchAll(/^\s*-\s+(\S+)\s*$/gm)].map(([, name = ""]) => name));
}

/** Decides by the settings. Pure. A package that any list names may run its scripts, whoever reads that list. */
export function policyOf(facts: PolicyFacts): ScriptPolicy {
  const { manager, manifests, pnpmWorkspace } = facts;
  const pnpm = [...manifests.map((json) => table(json["pnpm"])), pnpmWorkspace];
  const maps = [
    ...manifests.map((json) => table(json["allowScripts"])),
    ...pnpm.map((one) => table(one["allowBuilds"])),
  ];
  const metas = manifests.flatMap((json) => Object.entries(table(json["dependenciesMeta"])));
  const built = (value: boolean): string[] =>
    metas.filter(([, meta]) => table(meta)["built"] === value).map(([name]) => name);
  const mapped = (value: boolean): string[] =>
    maps.flatMap((map) => Object.keys(map).filter((name) => map[name] === value));
  const allowed = new Set([
    ...manifests.flatMap((json) => names(json["trustedDependencies"])),
    ...pnpm.flatMap((one) => names(one["onlyBuiltDependencies"])),
    ...mapped(true),
    ...built(true),
  ]);
  const refused = new Set([
    ...pnpm.flatMap((one) => names(one["neverBuiltDependencies"])),
    ...pnpm.flatMap((one) => names(one["ignoredBuiltDependencies"])),
    ...mapped(false),
    ...built(false),
  ]);
  const others = allowsOthers(facts);
  return {
    allows: (name) => allowed.has(name) || (!refused.has(name) && others(name)),
    refusal: () => REFUSALS[manager],
  };
}

/** Whether a package that no list names may run its scripts. */
function allowsOthers(facts: PolicyFacts): (name: string) => boolean {
  const { manager, manifests, pnpmWorkspace, yarnrc, npmrc, bunDefaults } = facts;
  const ignored = /^\s*ignore-scripts\s*=\s*true\b/m.test(npmrc);
  switch (manager) {
    case "bun":
      // A list of the app's own replaces bun's.
      return manifests.some((json) => Array.isArray(json["trustedDependencies"]))
        ? () => false
        : (name) => bunDefaults.has(name);
    case "pnpm": {
      const all = [pnpmWorkspace, ...manifests.map((json) => table(json["pnpm"]))].some(
        (one) => one["dangerouslyAllowAllBuilds"] === true,
      );
      return () => all && !ignored;
    }
    case "yarn":
      return () => yarnrc["enableScripts"] !== false && !ignored;
    case "npm":
      return () => !ignored;
  }
}

function table(value: unknown): Table {
  return typeof value === "object" && value !== null ? (value as Table) : {};
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
}
