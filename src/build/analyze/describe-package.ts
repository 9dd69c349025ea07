/** Describes a package of an analysis: its role, the reason as a sentence with the evidence, its size and its path. */
import { relative, sep } from "node:path";
import type { Target } from "../../release/index.ts";
import { judgeEmbedding, type Embeddable } from "./embed.ts";
import type { Carried, FoundExternal, LeftOutPackage, Walk } from "./package-walk.ts";

/**
 * `external`: loaded from the release, because it is native, because `gantry.externals` names it, because it cannot be
 * compiled in, or because a Node app depends on it. `carried`: in the release because an external needs it at run time.
 * `left-out`: made for another platform. `bundled`: compiled into the binary; for a Node app, left to the app's own
 * build. `unused`: installed, and imported by no file that is compiled in.
 */
type Role = "external" | "carried" | "left-out" | "bundled" | "unused";

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
   * Names of the externals that need it; an external is in its own list. Empty for the roles `bundled`, `left-out` and
   * `unused`.
   */
  readonly neededBy: readonly string[];
}

export interface AnalyzedExternal extends AnalyzedPackage {
  readonly role: "external";
  /**
   * Size in bytes, as installed, of this package and of those that are in the release for it alone: what the release
   * would not have if it were compiled in.
   */
  readonly alone: number;
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
  const { name, found, reason, required } = external;
  const native = walk.evidenceOf(found) !== undefined;
  const neededBy = [...new Set([name, ...(carried.get(found.dir)?.neededBy ?? [])])].toSorted();
  return {
    ...describe(walk, found.dir, { name, role: "external", reason, neededBy }),
    role: "external",
    alone: bytesAlone(walk, external, carried),
    optional: walk.settings.optional.includes(name) || !required,
    native,
    embeddable: native
      ? judgeEmbedding(found, walk.graph, walk.filesOf, target)
      : { possible: false, why: "it has no native file of its own" },
  };
}

function bytesAlone(
  walk: Walk,
  { name, found }: FoundExternal,
  carried: ReadonlyMap<string, Carried>,
): number {
  // Another external may need this one too, and then keeps everything.
  if ([...(carried.get(found.dir)?.neededBy ?? [])].some((other) => other !== name)) return 0;
  const dirs = [...carried].flatMap(([dir, { neededBy }]) =>
    neededBy.size === 1 && neededBy.has(name) ? [dir] : [],
  );
  return [...new Set([found.dir, ...dirs])].reduce((sum, dir) => {
    const one = walk.graph.packages.get(dir);
    return sum + (one === undefined ? 0 : walk.filesOf(one).bytes);
  }, 0);
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

/** Packages that are installed for production, and neither compiled in nor in the release. */
export function describeUnused(
  walk: Walk,
  used: readonly ReadonlyMap<string, unknown>[],
  externals: ReadonlyMap<string, FoundExternal>,
): AnalyzedPackage[] {
  const known = new Set([
    walk.graph.app.dir,
    ...used.flatMap((map) => [...map.keys()]),
    ...[...externals.values()].map(({ found }) => found.dir),
  ]);
  const rest = [...walk.graph.packages.values()].filter(({ dir }) => !known.has(dir));
  return sorted(
    rest.map(({ dir, name }) => {
      const reason = "is imported by no file that is compiled in";
      return describe(walk, dir, { name, role: "unused", reason, neededBy: [] });
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
