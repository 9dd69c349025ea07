/**
 * Decides which files of an installed tree are shipped. Pure: its functions take paths and return reasons. Only files
 * that no module reads when it is loaded or used are left out: other platforms' binaries, type declarations, source
 * maps, documentation, tests and the C sources beside a prebuilt binary. Licences always stay.
 */
import type { Target } from "../../release/index.ts";

export type PruneReason =
  | "other platforms' binaries"
  | "type declarations"
  | "source maps"
  | "documentation"
  | "tests"
  | "native sources"
  | "command links"
  | "packages outside the closure"
  | "packages with nothing to load";

const LICENCE = /^(?:licen[cs]e|copying|notice|unlicen[cs]e)/i;
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
export function pruneReason(path: string, target: Target): PruneReason | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (LICENCE.test(name)) return undefined;
  if (isForeignBinary(path, target)) return "other platforms' binaries";
  if (DECLARATION.test(name)) return "type declarations";
  if (name.endsWith(".map")) return "source maps";
  if (TEST_DIRECTORY.test(path)) return "tests";
  if (PROSE.test(name) || PROSE_NAMES.test(name)) return "documentation";
  if (NATIVE_SOURCE.test(name)) return "native sources";
  return undefined;
}

const SYSTEMS = new Set(["linux", "darwin", "win32", "android", "freebsd", "openbsd", "sunos", "aix"]);
const MACHINES = new Set(["x64", "arm64", "arm", "ia32", "ppc64", "s390x", "riscv64", "loong64", "mips64el"]);

/**
 * Says whether a file is a prebuilt binary for another platform. The names decide: either those of prebuildify's
 * directories and tags (`prebuilds/OS-ARCH[+ARCH]/NAME[.glibc|.musl][.armvN].node`, see node-gyp-build's parseTuple and
 * parseTags), or those of better-sqlite3 13 (`prebuilds/OS[musl]-ARCH.node`).
 */
function isForeignBinary(path: string, target: Target): boolean {
  const parts = path.split("/");
  const prebuilds = parts.indexOf("prebuilds");
  if (prebuilds === -1) return false;
  const tuple = /^([a-z0-9]+?)(musl)?-([a-z0-9+]+)(\.node)?$/.exec(parts[prebuilds + 1] ?? "");
  const [, system = "", musl, machines = "", flat] = tuple ?? [];
  if (flat !== undefined && system === target.os && target.libc !== undefined) {
    if ((musl === undefined) !== (target.libc === "gnu")) return true;
  }
  if (SYSTEMS.has(system) && machines.split("+").every((machine) => MACHINES.has(machine))) {
    if (system !== target.os || !machines.split("+").includes(target.arch)) return true;
  }
  const tags = path.slice(path.lastIndexOf("/") + 1).split(".");
  if (target.libc === undefined || tags.at(-1) !== "node") return false;
  return tags.includes(target.libc === "gnu" ? "musl" : "glibc");
}

/** Says whether a package's files are only package.json and licences, so that there is nothing to load. */
export function hasNothingToLoad(paths: readonly string[]): boolean {
  return paths.every(
    (path) => path === "package.json" || LICENCE.test(path.slice(path.lastIndexOf("/") + 1)),
  );
}
