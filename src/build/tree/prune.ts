/**
 * Decides by their names which files of an installed tree are shipped; native-files.ts decides by their contents. Pure: its
 * functions take paths and return reasons. Only files that no module reads when it is loaded or used are left out: type
 * declarations, source maps, documentation, tests and the C sources beside a prebuilt binary. Licences always stay.
 */

export type PruneReason =
  | "gantry.exclude"
  | "other platforms' binaries"
  | "other runtimes' binaries"
  | "binaries for graphics cards"
  | "type declarations"
  | "source maps"
  | "documentation"
  | "tests"
  | "native sources"
  | "command links"
  | "packages outside the closure"
  | "packages with nothing to load";

const LICENCE = /^(?:licen[cs]e|copying|notice|unlicen[cs]e)/i;

/** Whether a file's name is that of a licence, which always stays. */
export function isLicence(path: string): boolean {
  return LICENCE.test(path.slice(path.lastIndexOf("/") + 1));
}

const DECLARATION = /\.d\.[cm]?ts$/;
const PROSE = /\.(?:md|markdown|mkd|rst)$/i;
/**
 * Matches names without a suffix or with that of a text file. With any suffix it would match history.js, which is code.
 */
const PROSE_NAMES =
  /^(?:readme|changelog|changes|history|contributing|authors|security|code_of_conduct)(?:\.(?:txt|html?|adoc|org))?$/i;
const NATIVE_SOURCE = /(?:\.(?:c|cc|cpp|cxx|h|hh|hpp|gyp|gypi|mk|o|a|vcxproj)|^binding\.gyp|^Makefile)$/;
const TEST_DIRECTORY = /^(?:test|tests|__tests__)\//;

/**
 * Why a file is left out. Undefined when it is shipped.
 * @param path the file's path relative to its package's directory, with forward slashes
 */
export function pruneReason(path: string): PruneReason | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (isLicence(path)) return undefined;
  if (DECLARATION.test(name)) return "type declarations";
  if (name.endsWith(".map")) return "source maps";
  if (TEST_DIRECTORY.test(path)) return "tests";
  if (PROSE.test(name) || PROSE_NAMES.test(name)) return "documentation";
  if (NATIVE_SOURCE.test(name)) return "native sources";
  return undefined;
}

/** Says whether a package's files are only package.json and licences, so that there is nothing to load. */
export function hasNothingToLoad(paths: readonly string[]): boolean {
  return paths.every((path) => path === "package.json" || isLicence(path));
}
