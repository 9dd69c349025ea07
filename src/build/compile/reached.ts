/**
 * Reads Bun's metafile of a compile: which packages are in the binary, and which modules are loaded whenever the app
 * starts, because a chain of `import` statements leads to them from an entry. Pure.
 */
import { relative, resolve } from "node:path";
import { packageDirectory } from "../graph/index.ts";

/** What is read of the metafile. Bun 1.3.7 writes absolute paths of imports, and 1.4.5 relative ones. */
export interface Metafile {
  readonly inputs: Readonly<
    Record<
      string,
      {
        readonly imports: readonly {
          readonly path: string;
          readonly kind: string;
          readonly original?: string;
        }[];
      }
    >
  >;
}

/** A package or an external of the compiled app. */
export interface Reached {
  /** The package's directory; the name of an external. */
  readonly id: string;
  /** The file of the app that imports it, relative to the workspace root. */
  readonly by: string;
  /** True when every start loads it. */
  readonly atStart: boolean;
}

export interface ReachedOptions {
  /** The directory that the metafile's paths are relative to. */
  readonly directory: string;
  readonly root: string;
  readonly entry: string;
  /** The external to which a specifier belongs. */
  readonly externalOf: (specifier: string) => string | undefined;
}

/** The packages that are compiled in, and the externals, each with the first file that imports it. */
export function readReached(
  { inputs }: Metafile,
  { directory, root, entry, externalOf }: ReachedOptions,
): { readonly packages: readonly Reached[]; readonly externals: readonly Reached[] } {
  const byPath = new Map(
    Object.entries(inputs).map(([path, input]) => [resolve(directory, path), input.imports]),
  );
  const started = new Set([entry]);
  for (const path of started) {
    for (const { kind, path: to } of byPath.get(path) ?? [])
      if (kind === "import-statement") started.add(resolve(directory, to));
  }
  const packages = new Map<string, Reached>();
  const externals = new Map<string, Reached>();
  const add = (found: Map<string, Reached>, id: string, by: string, atStart: boolean): void => {
    const known = found.get(id);
    if (known === undefined || (atStart && !known.atStart))
      found.set(id, { id, by: relative(root, by), atStart });
  };
  for (const [path, imports] of byPath) {
    for (const { path: to, original = to, kind } of imports) {
      const atStart = started.has(path) && kind === "import-statement";
      const external = externalOf(original);
      const inside = packageDirectory(resolve(directory, to));
      if (external !== undefined) add(externals, external, path, atStart);
      else if (inside !== undefined && inside !== packageDirectory(path))
        add(packages, inside, path, atStart);
    }
  }
  return { packages: [...packages.values()], externals: [...externals.values()] };
}
