/**
 * Unlisted files: those in a tree that the manifest does not list. A tree that a package manager made has many (types,
 * other platforms' prebuilds, `.bin`), and most are harmless. This finds the ones that a loader could take instead of a
 * listed file. In a tree of a release that pins a key none is allowed: packages look for optional ones (`ws` for
 * `bufferutil`), and any file can be imported by its path. Pure.
 */
import { posix } from "node:path";

/** Extensions that Node and Bun try for an import without an extension. */
const LOADABLE = new Set([
  "",
  ".js",
  ".cjs",
  ".mjs",
  ".json",
  ".node",
  ".ts",
  ".cts",
  ".mts",
  ".tsx",
  ".jsx",
  ".wasm",
]);

/**
 * Whether an import in the release's modules could resolve to this foreign file:
 * - a nested `node_modules` shadows the modules above it;
 * - a package.json changes how its directory is loaded;
 * - `bindings` and node-gyp-build look into build/ first, and may load a .node file beside a listed one, unless it was
 *   made for another platform or runtime;
 * - an import without an extension may find another extension first.
 * A foreign package beside the others is not found by any import that the build resolved.
 * @param isElsewhere whether a .node file was made for another platform or runtime
 */
export function couldBeLoaded(
  path: string,
  modules: readonly (readonly [directory: string, module: unknown])[],
  listed: ReadonlySet<string>,
  isElsewhere: (path: string) => boolean,
): boolean {
  const owner = modules
    .map(([directory]) => directory)
    .filter((directory) => path.startsWith(`${directory}/`))
    .toSorted((a, b) => b.length - a.length)[0];
  if (owner === undefined) return false;
  const inner = path.slice(owner.length + 1);
  if (inner.startsWith("node_modules/")) return !inner.startsWith("node_modules/.");
  const { dir, name, ext } = posix.parse(path);
  if (posix.basename(path) === "package.json") return true;
  if (ext === ".node" && /(?:^|\/)build\//.test(inner)) return true;
  if (!LOADABLE.has(ext)) return false;
  for (const file of listed) {
    const beside = posix.parse(file);
    if (beside.dir !== dir) continue;
    if (beside.name === name || (ext === ".node" && beside.ext === ".node"))
      return ext !== ".node" || !isElsewhere(path);
  }
  return false;
}

/**
 * Whether a foreign file is refused in the tree of a release that pins a key. Names that begin with a dot directly in a
 * `node_modules` are allowed: package managers make them (`.bin`, `.package-lock.json`), and no package has such a name
 * (npm's package.json documentation, "name").
 */
export function isPlanted(path: string): boolean {
  return !path.startsWith(".") && !path.includes("/node_modules/.");
}
