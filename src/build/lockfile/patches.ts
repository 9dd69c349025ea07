/**
 * Finds packages that an app patches after installation, with any tool. A host fetches the modules of a release from a
 * registry, where no patch is applied, so a patched package is refused.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseYAML } from "confbox/yaml";
import { readPackageJSON, type PackageJson } from "pkg-types";
import { isDirectory } from "../../base/files/index.ts";
import { isFile, type App } from "../app/index.ts";
import type { BunLock } from "../../release/index.ts";

/** Finds the patched packages. The result has the place where each patch is declared, by package name. */
export async function readPatches(app: App, lock: BunLock): Promise<Map<string, string>> {
  const patches = new Map<string, string>();
  for (const key of lock.patched) patches.set(nameOf(key), `patchedDependencies of the lockfile: ${key}`);
  for (const directory of new Set([app.workspaceRoot, app.dir])) {
    const path = join(directory, "package.json");
    for (const key of pnpmWorkspacePatches(directory)) {
      patches.set(nameOf(key), `patchedDependencies in ${join(directory, "pnpm-workspace.yaml")}`);
    }
    if (!isFile(path)) continue;
    for (const [name, source] of declaredPatches(await readPackageJSON(path)))
      patches.set(name, `${source} in ${path}`);
    for (const [name, file] of patchPackageFiles(join(directory, "patches"))) patches.set(name, file);
  }
  return patches;
}

/** Reads `patchedDependencies` in pnpm-workspace.yaml, where newer versions of pnpm have it. */
function pnpmWorkspacePatches(directory: string): string[] {
  const path = join(directory, "pnpm-workspace.yaml");
  return isFile(path)
    ? Object.keys(record(record(parseYAML(readFileSync(path, "utf8")))["patchedDependencies"]))
    : [];
}

/** Reads bun's and pnpm's `patchedDependencies`, and yarn's `patch:` protocol in dependencies and resolutions. */
function declaredPatches(json: PackageJson): [string, string][] {
  const pnpm: unknown = json["pnpm"];
  const settings: unknown[] = [json, pnpm];
  const keys = settings.flatMap((setting) => Object.keys(record(record(setting)["patchedDependencies"])));
  const specs = [json.dependencies, json.optionalDependencies, record(json["resolutions"])];
  const patched = specs.flatMap((specifiers) =>
    Object.entries(specifiers ?? {}).filter(
      ([, spec]) => typeof spec === "string" && spec.startsWith("patch:"),
    ),
  );
  return [
    ...keys.map((key): [string, string] => [nameOf(key), `"patchedDependencies": ${key}`]),
    ...patched.map(([key, spec]): [string, string] => [nameOf(key), String(spec)]),
  ];
}

/**
 * The files of patch-package, such as `@scope+name+1.2.3.patch`. In the name of a patch for a nested package, `++`
 * separates the packages.
 */
function patchPackageFiles(directory: string): [string, string][] {
  if (!isDirectory(directory)) return [];
  return readdirSync(directory).flatMap((file): [string, string][] => {
    const match = /^(?:.*\+\+)?((?:@[^+]+\+)?[^+@]+)\+\d[^+]*\.patch$/.exec(file);
    return match?.[1] === undefined ? [] : [[match[1].replace("+", "/"), join(directory, file)]];
  });
}

/** The package's name in `name@version`, `name@npm:range` or a bare name. */
function nameOf(key: string): string {
  const at = key.indexOf("@", 1);
  return at < 0 ? key : key.slice(0, at);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
