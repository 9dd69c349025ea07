/** Describes a package of an analysis: its role, the reason as a sentence with the evidence, its size and its path. */
import { relative, sep } from "node:path";
import type { Target } from "../../release/index.ts";
import { judgeEmbedding, type Embeddable } from "./embed.ts";
import type { Carried, FoundExternal, LeftOutPackage, Walk } from "./package-walk.ts";

/**
 * `external`: loaded from the release, because it is native, because `gantry.externals` names it, or because a Node app
 * depends on it. `beside`: plain JavaScript with a native dependency, and loaded from the release too. `carried`: in
 * the release because an external needs it at run time. `left-out`: made for another platform. `bundled`: compiled into
 * the binary; for a Node app, left to the app's own build.
 */
type Role = "external" | "beside" | "carried" | "left-out" | "bundled";

export interface AnalyzedPackage {
  /** The name by which it is imported. An alias differs from the package's own name. */
  readonly name: string;
  readonly version: string;
  readonly role: Role;
  /** A sentence that names the evidence. */
  readonly reason: string;
  /** Size of its own files as installed, in bytes. */
  readonly bytes: number;
  /** Its directory relative to the workspace root. */
  readonly path: string;
  /**
   * Names of the externals that need it; an external is in its own list. Empty for the roles `bundled` and `left-out`.
   */
  readonly neededBy: readonly string[];
}

export interface AnalyzedExternal extends AnalyzedPackage {
  readonly role: "external" | "beside";
  /** True when `gantry.optional` names it, or when no package that is compiled in requires it. */
  readonly optional: boolean;
  /** True when the package itself contains, loads or fetches a native file. */
  readonly native: boolean;
  readonly embeddable: Embeddable;
}

export function describeExternal(
  walk: Walk,
  external: FoundExternal,
  target: Target,
  carried: ReadonlyMap<string, Carried>,
): AnalyzedExternal {
  const { name, found, role, reason, required } = external;
  const native = walk.evidenceOf(found) !== undefined;
  const neededBy = [...new Set([name, ...(carried.get(found.dir)?.neededBy ?? [])])].toSorted();
  return {
    ...describe(walk, found.dir, { name, role, reason, neededBy }),
    role,
    optional: walk.settings.optional.includes(name) || !required,
    native,
    embeddable: native
      ? judgeEmbedding(found, walk.graph, walk.filesOf, target)
      : { possible: false, why: "it has no native file of its own" },
  };
}

export function describeCarried(
  walk: Walk,
  carried: ReadonlyMap<string, Carried>,
  externals: ReadonlyMap<string, FoundExternal>,
  bundled: ReadonlyMap<string, string>,
): AnalyzedPackage[] {
  const own = new Set([...externals.values()].map((external) => external.found.dir));
  const rest = [...carried].filter(([dir]) => !own.has(dir));
  return sorted(
    rest.map(([dir, { name, neededBy }]) => {
      const names = [...neededBy].toSorted();
      const reason = `is needed by ${names.join(" and ")}${bundled.has(dir) ? ", and compiled in too" : ""}`;
      return describe(walk, dir, { name, role: "carried", reason, neededBy: names });
    }),
  );
}

export function describeLeftOut(walk: Walk, leftOut: ReadonlyMap<string, LeftOutPackage>): AnalyzedPackage[] {
  return sorted(
    [...leftOut].map(([dir, { name, reason }]) =>
      describe(walk, dir, { name, role: "left-out", reason, neededBy: [] }),
    ),
  );
}

export function describeBundled(
  walk: Walk,
  bundled: ReadonlyMap<string, string>,
  carried: ReadonlyMap<string, Carried>,
): AnalyzedPackage[] {
  const rest = [...bundled].filter(([dir]) => dir !== walk.graph.app.dir && !carried.has(dir));
  return sorted(
    rest.map(([dir, name]) => {
      const own = walk.graph.packages.get(dir)?.workspace === true;
      const reason = own ? "is source code of the workspace" : "is plain JavaScript";
      return describe(walk, dir, { name, role: "bundled", reason, neededBy: [] });
    }),
  );
}

function describe(
  walk: Walk,
  dir: string,
  fields: Pick<AnalyzedPackage, "name" | "role" | "reason" | "neededBy">,
): AnalyzedPackage {
  const found = walk.graph.packages.get(dir);
  const path = relative(walk.root, dir).split(sep).join("/");
  const bytes = found === undefined ? 0 : walk.filesOf(found).bytes;
  return { ...fields, version: found?.version ?? "", bytes, path };
}

export function sorted<T extends AnalyzedPackage>(packages: readonly T[]): T[] {
  return packages.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
