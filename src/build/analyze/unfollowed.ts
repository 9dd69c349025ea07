/** Names what the app's modules load in ways that a compile does not follow. */
import { relative } from "node:path";
import type { Trace } from "../graph/index.ts";
import type { Walk } from "./package-walk.ts";

/**
 * Warns of `.node` and `.wasm` files that are imported and not there, and of computed names in the app's own files.
 * Those of packages are left out, because many packages have some that are never used.
 * @param bundled the packages that are compiled in, by directory
 */
export function warnOfLoads(
  { root }: Walk,
  { loads, missing }: Trace,
  bundled: ReadonlyMap<string, string>,
): string[] {
  const shown = (path: string) => relative(root, path);
  const inside = (path: string) =>
    !path.includes("/node_modules/") ||
    [...bundled.keys()].some(
      (dir) =>
        path.startsWith(`${dir}/node_modules/`) ||
        (dir.includes("/node_modules/") && path.startsWith(`${dir}/`)),
    );
  return [
    ...missing
      .filter(({ by }) => inside(by))
      .map(
        ({ specifier, by }) =>
          `${shown(by)} imports ${specifier}, which is not there: nothing of it is in the release`,
      ),
    ...loads
      .filter(({ by, what }) => what !== "name" && !by.includes("/node_modules/"))
      .map(
        ({ by, line, text }) =>
          `${shown(by)}:${line} loads a module by a name that is known only when the app runs (${text}): a package is found when "gantry.externals" has "+NAME"`,
      ),
  ];
}
