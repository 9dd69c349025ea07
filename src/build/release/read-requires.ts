/**
 * Reads what a release needs from its host, from the release's program and the native files that are shipped with it.
 */
import { basename, join } from "node:path";
import { deriveRequires, type ShippedFile } from "../../compat/index.ts";
import { withNativeFile } from "../../host/index.ts";
import type { ReleaseRequires, Target } from "../../release/index.ts";
import type { CapturedTree } from "../tree/index.ts";

export interface RequiresOptions {
  readonly target: Target;
  /** Path of the release's program. Undefined when the release uses the host's own Node. */
  readonly executable: string | undefined;
  /** The tree's node_modules. */
  readonly modules: string;
  readonly tree: CapturedTree;
}

/** Matches native files and shared libraries, because a module may ship its own libraries. */
const NATIVE = /\.(?:node|so(?:\.\d+)*)$/;

/** Reads the requirements. Undefined for targets whose programs are not ELF files. */
export function readRequires({
  target,
  executable,
  modules,
  tree,
}: RequiresOptions): ReleaseRequires | undefined {
  if (target.libc === undefined) return undefined;
  const shipped: { readonly name: string; readonly path: string }[] =
    executable === undefined ? [] : [{ name: basename(executable), path: executable }];
  const loaded = new Set(tree.native.map(({ path }) => path));
  for (const [directory, module] of Object.entries(tree.modules)) {
    for (const file of Object.keys(module.files)) {
      if (NATIVE.test(file) && (!file.endsWith(".node") || loaded.has(`${directory}/${file}`)))
        shipped.push({ name: module.name, path: join(modules, directory, file) });
    }
  }
  const libc = target.libc === "gnu" ? "glibc" : "musl";
  return readAll(
    shipped,
    [],
    (files) => structuredClone(deriveRequires(files, { arch: target.arch, libc })) as ReleaseRequires,
  );
}

/**
 * Opens all files and passes them to `use`. Every file stays open until `use` has returned, because its tables are read
 * on demand.
 */
function readAll<T>(
  paths: readonly { readonly name: string; readonly path: string }[],
  files: readonly ShippedFile[],
  use: (files: readonly ShippedFile[]) => T,
): T {
  const [first, ...rest] = paths;
  if (first === undefined) return use(files);
  return withNativeFile(first.path, (file) => {
    const shipped = file.kind === "elf" ? [{ name: first.name, fileName: basename(first.path), file }] : [];
    return readAll(rest, [...files, ...shipped], use);
  });
}
