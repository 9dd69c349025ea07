/**
 * Refuses names in the app's settings that no package of the app depends on, because a misspelt name would have no
 * effect.
 */
import { GantryError, type Finding } from "../../base/errors.ts";
import { nearest, type InstalledGraph } from "../app/index.ts";
import type { AnalysisSettings } from "./package-walk.ts";

/**
 * Checks `gantry.externals` and `gantry.optional`.
 * @param imported names that the app's modules import, whoever declares them
 * @throws GantryError CONFIG_INVALID with every such name
 */
export function refuseUnknownNames(
  graph: InstalledGraph,
  settings: AnalysisSettings,
  imported: readonly string[],
): void {
  const known = [
    ...new Set([
      ...[...graph.packages.values()].flatMap((found) => found.edges.map((edge) => edge.name)),
      ...imported,
    ]),
  ];
  const development: Readonly<Record<string, string>> = graph.app.json.devDependencies ?? {};
  const lists = { externals: settings.externals ?? [], optional: settings.optional };
  const [first, ...rest] = Object.entries(lists).flatMap(([key, names]) =>
    names.flatMap((given, index): Finding[] => {
      const name = key === "externals" ? given.replace(/^[+-]/, "") : given;
      if (known.includes(name)) return [];
      const near = nearest(name, known);
      const only =
        development[name] === undefined
          ? "the app does not depend on it"
          : 'it stands only in "devDependencies"';
      return [
        {
          code: "CONFIG_INVALID",
          what: `"gantry.${key}.${index}" is "${given}": ${only}`,
          where: `${graph.app.dir}/package.json`,
          fix:
            near === undefined || development[name] !== undefined
              ? `add ${name} to "dependencies", or remove it here`
              : `did you mean "${near}"?`,
        },
      ];
    }),
  );
  if (first !== undefined) throw new GantryError(first, ...rest);
}
