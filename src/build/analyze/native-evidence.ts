/**
 * Finds evidence that a package is native: native files in it, native packages for each platform among its optional
 * dependencies, an install script that builds or fetches a native file, or a call to a package that loads one. Reads
 * the installed files only. Of several kinds of evidence the strongest is reported.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { InstalledPackage } from "../app/index.ts";
import { readInstallScript } from "./install-script.ts";
import { isPlatformPackage } from "./platform.ts";

export interface PackageFiles {
  /**
   * Paths relative to the package's directory, with forward slashes, sorted. Files in a nested node_modules are left
   * out.
   */
  readonly paths: readonly string[];
  /** Size on disk of those files, in bytes. */
  readonly bytes: number;
}

/** Packages whose only purpose is to find or load a native file for the package that depends on them. */
const LOADERS: ReadonlySet<string> = new Set([
  "bindings",
  "node-gyp-build",
  "node-gyp-build-optional-packages",
  "node-pre-gyp",
  "@mapbox/node-pre-gyp",
  "pkg-prebuilds",
  "prebuild-install",
  "@neon-rs/load",
]);
/** Native files in these directories are test data. The package does not load them. */
const TEST_DATA = /(?:^|\/)(?:tests?|__tests__|spec|fixtures?|examples?)\//i;
const SCRIPT = /\.[cm]?js$/;
const LARGEST_SCRIPT = 2 * 1024 * 1024;

/** Lists a package's own files, without those in a nested node_modules. */
export function readPackageFiles(directory: string): PackageFiles {
  const paths: string[] = [];
  let bytes = 0;
  const visit = (below: string): void => {
    for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== "node_modules") visit(path);
      if (!entry.isFile()) continue;
      paths.push(path);
      bytes += statSync(join(directory, path)).size;
    }
  };
  visit("");
  return { paths: paths.toSorted(), bytes };
}

/** The native files among a package's files, without test data. */
export function nativeFiles(files: PackageFiles): string[] {
  return files.paths.filter((path) => path.endsWith(".node") && !TEST_DATA.test(path));
}

/** Why a package is native, as the end of the sentence "it …". Undefined when there is no evidence. */
export function readNativeEvidence(found: InstalledPackage, files: PackageFiles): string | undefined {
  const native = nativeFiles(files);
  if (native.length > 0) return `carries native files: ${listed(native)}`;
  const variants = variantNames(found);
  if (variants.length > 0) {
    return `loads a native package for each platform: ${listed(variants)} in optionalDependencies`;
  }
  const script = readInstallScript(found.dir, found.json);
  if (script !== undefined) {
    return `needs its install script: ${script.stage} "${script.command}" ${script.does}`;
  }
  if (files.paths.includes("binding.gyp")) return "is compiled from source: it has a binding.gyp";
  const prebuild = files.paths.find((path) => path.startsWith("prebuilds/"));
  if (prebuild !== undefined) return `carries prebuilt files: ${prebuild}`;
  return loaderEvidence(found, files);
}

/** The names in optionalDependencies that contain both a system and a processor. */
function variantNames(found: InstalledPackage): string[] {
  return Object.keys(found.json.optionalDependencies ?? {}).filter((name) => isPlatformPackage(name, {}));
}

function loaderEvidence(found: InstalledPackage, files: PackageFiles): string | undefined {
  const loaders = found.edges
    .filter((edge) => LOADERS.has(edge.name) && edge.kind === "hard")
    .map((edge) => edge.name);
  if (loaders.length === 0 || LOADERS.has(found.name)) return undefined;
  for (const [path, text] of scriptsOf(found.dir, files)) {
    const loader = loaders.find((name) =>
      new RegExp(`(?:require\\(|from\\s*)\\s*["']${name}["']`).test(text),
    );
    if (loader !== undefined) return `loads a native file: ${path} calls ${loader}`;
  }
  return undefined;
}

/** The package's JavaScript files with their texts. Test data and files of more than 2 MiB are left out. */
export function* scriptsOf(directory: string, files: PackageFiles): Generator<[path: string, text: string]> {
  for (const path of files.paths) {
    if (!SCRIPT.test(path) || TEST_DATA.test(path)) continue;
    if (statSync(join(directory, path)).size <= LARGEST_SCRIPT)
      yield [path, readFileSync(join(directory, path), "utf8")];
  }
}

/** The first of some names, followed by the number of the others. */
function listed(names: readonly string[]): string {
  const [first = "", ...rest] = names;
  return rest.length === 0 ? first : `${first} and ${rest.length} more`;
}
