/**
 * Knows the packages that a build traced into its output. They stay, but for native ones: those are the build machine's.
 * The release's tree has them for its target, and Node finds them there when they are not nearer.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PackageJson } from "pkg-types";
import { GantryError, type Finding } from "../../base/errors.ts";
import { NAMES, type Target } from "../../release/index.ts";
import { isPlatformPackage, type PlatformFields } from "../analyze/index.ts";

interface TracedPackage {
  /** Its directory, relative to the output. */
  readonly path: string;
  /** The name by which its directory is imported. */
  readonly importedAs: string;
  readonly json: PackageJson;
}

/** Names of the packages in an output. */
export function listTraced(directory: string): ReadonlySet<string> {
  return new Set(readTraced(directory).flatMap(({ json }) => json.name ?? []));
}

function readTraced(directory: string): TracedPackage[] {
  const found: TracedPackage[] = [];
  const visit = (below: string): void => {
    for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(below, entry.name);
      const at = path.split("/").lastIndexOf(NAMES.modules);
      const inside = at === -1 ? [] : path.split("/").slice(at + 1);
      const depth = inside[0]?.startsWith("@") === true ? 2 : 1;
      const file = join(directory, path, NAMES.packageJson);
      if (inside.length === depth && existsSync(file)) {
        const json = JSON.parse(readFileSync(file, "utf8")) as PackageJson;
        found.push({ path, importedAs: inside.join("/"), json });
      }
      visit(path);
    }
  };
  visit("");
  return found;
}

export interface NativesOptions {
  /** lib/app. */
  readonly directory: string;
  /** Names of the packages that the release's tree brings because they are native. */
  readonly names: ReadonlySet<string>;
  readonly target: Target;
  /** True when the output was made on a machine of the target's kind. */
  readonly own: boolean;
}

/**
 * Removes native packages from lib/app. A package that the build knows by another name gets a file that leads to it.
 * @throws GantryError MODULE_UNAVAILABLE for each native file of another kind of machine that stays
 */
export function withoutNatives({ directory, names, target, own }: NativesOptions): void {
  const findings: Finding[] = [];
  for (const { path, importedAs, json } of readTraced(directory)) {
    const name = json.name ?? importedAs;
    const place = join(directory, path);
    if (!existsSync(place)) continue;
    if (names.has(name)) {
      rmSync(place, { recursive: true });
      if (importedAs !== name) leadTo(name, place, json.version);
    } else if (names.size > 0 && isPlatformPackage(name, json as PlatformFields)) {
      rmSync(place, { recursive: true });
    } else if (!own && hasNativeFile(place)) findings.push(foreign(name, path, target));
  }
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

function leadTo(name: string, place: string, version: string | undefined): void {
  mkdirSync(place);
  writeFileSync(join(place, NAMES.packageJson), JSON.stringify({ name, version, main: "index.cjs" }));
  writeFileSync(join(place, "index.cjs"), `module.exports = require(${JSON.stringify(name)});\n`);
}

function hasNativeFile(directory: string): boolean {
  return readdirSync(directory, { withFileTypes: true }).some((entry) =>
    entry.isDirectory()
      ? entry.name !== NAMES.modules && hasNativeFile(join(directory, entry.name))
      : entry.name.endsWith(".node"),
  );
}

function foreign(name: string, path: string, target: Target): Finding {
  return {
    code: "MODULE_UNAVAILABLE",
    what: `the app's build put ${name} with a native file of this machine into its output, and no dependency of the app brings it for ${target.name}`,
    where: `${NAMES.app}/${path}`,
    fix: `add ${name} to "dependencies", or build on a ${target.name} machine`,
  };
}
