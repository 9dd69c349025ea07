/**
 * Judges whether an external's native file could be embedded in the binary instead. Bun extracts each embedded file
 * alone to a temporary directory, so a file that needs other files beside it fails. Bun embeds only files that a
 * `require` with a fixed string names (measured on Bun 1.4.5: @node-rs/argon2 works as it is, libsql and bcrypt with a
 * patched require, sharp never).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "../../release/index.ts";
import type { InstalledGraph, InstalledPackage } from "../app/index.ts";
import { nativeFiles, scriptsOf, type PackageFiles } from "./native-evidence.ts";
import { platformRefusal } from "./platform.ts";

export interface Embeddable {
  readonly possible: boolean;
  /** One sentence with the evidence. */
  readonly why: string;
}

const SHARED_LIBRARY = /\.(?:so(?:\.\d+)*|dylib|dll)$/;

/** Judges an external by its installed files and by those of its variants for the target. */
export function judgeEmbedding(
  found: InstalledPackage,
  graph: InstalledGraph,
  filesOf: (found: InstalledPackage) => PackageFiles,
  target: Target,
): Embeddable {
  const variants = variantsFor(found, graph, target);
  const packages = [
    found,
    ...variants.flatMap((variant) => [variant, ...variantsFor(variant, graph, target)]),
  ];
  const native = packages.flatMap((owner) => nativeFiles(filesOf(owner)).map((path) => ({ owner, path })));
  if (native.length === 0)
    return { possible: false, why: "its native file is not here: a script would fetch or build it" };
  const library = packages.flatMap((owner) => filesOf(owner).paths).find((path) => SHARED_LIBRARY.test(path));
  if (library !== undefined)
    return { possible: false, why: `its native file needs a library beside it: ${library}` };
  const rooted = native.find(({ owner, path }) => readFileSync(join(owner.dir, path)).includes("$ORIGIN"));
  if (rooted !== undefined)
    return { possible: false, why: `${rooted.path} looks for libraries beside itself ($ORIGIN)` };
  const names = new Set([...variants.map((variant) => variant.name), ...native.map(({ path }) => path)]);
  for (const [path, text] of scriptsOf(found.dir, filesOf(found))) {
    for (const match of text.matchAll(/\brequire\(\s*["']([^"']+)["']\s*\)/g)) {
      const wanted = match[1] ?? "";
      if (
        names.has(wanted) ||
        native.some((file) => wanted.endsWith(".node") && join(path, "..", wanted) === file.path)
      ) {
        return { possible: true, why: `one self-contained file, required by its name in ${path}: ${wanted}` };
      }
    }
  }
  return {
    possible: false,
    why: "its native file is found by a computed require, which a bundler cannot follow",
  };
}

function variantsFor(found: InstalledPackage, graph: InstalledGraph, target: Target): InstalledPackage[] {
  const optional = found.edges.filter((edge) => edge.kind === "optional");
  const siblings = optional.map((edge) => edge.name);
  return optional.flatMap((edge) => {
    const variant = edge.to === undefined ? undefined : graph.packages.get(edge.to);
    return variant !== undefined && platformRefusal(edge.name, variant.json, target, siblings) === undefined
      ? [variant]
      : [];
  });
}
