/**
 * Reads the module files that a release's manifest lists, with their digests, if this version knows the manifest's
 * form.
 */
import * as v from "valibot";
import { findUnsafe } from "../../../archive/index.ts";
import type { FileEntry } from "../../../release/index.ts";

const Path = v.pipe(
  v.string(),
  v.check((path) => findUnsafe(path) === undefined),
);
const Digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Entry = v.union([v.tuple([v.number(), Digest, v.literal("x")]), v.strictTuple([v.number(), Digest])]);
const ModulesSchema = v.object({ modules: v.record(Path, v.object({ files: v.record(Path, Entry) })) });

/**
 * The module files by their paths relative to node_modules. Empty for a manifest of another form: the release's own
 * launcher then makes the modules.
 */
export function readModules(manifest: string): ReadonlyMap<string, FileEntry> {
  const result = v.safeParse(ModulesSchema, parse(manifest));
  const modules = result.success ? Object.entries(result.output.modules) : [];
  return new Map(
    modules.flatMap(([directory, { files }]) =>
      Object.entries(files).map(([path, entry]) => [`${directory}/${path}`, entry] as const),
    ),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
