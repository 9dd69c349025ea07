/**
 * Shared libraries of a host as the rules of src/compat use them, from disk or from a captured document, behind one
 * interface. A view reads paths of that host only, and runs nothing.
 */
import { readNativeFile, type ElfFile, type NativeFile } from "../../elf/index.ts";
import type { HostFacts } from "../host-facts.ts";
import type { FileSource } from "../file-source.ts";
import type { HostRoot } from "../root.ts";

/**
 * What the rules need of a library. An ElfFile is one. A captured library has no imports, because they are not
 * captured.
 */
export type LibraryFacts = Pick<
  ElfFile,
  | "kind"
  | "bits"
  | "arch"
  | "machine"
  | "type"
  | "osabi"
  | "interpreter"
  | "soname"
  | "needed"
  | "rpath"
  | "runpath"
  | "flags1"
  | "tlsSize"
  | "tlsAlign"
  | "staticTls"
  | "isaLevel"
  | "bindsNow"
  | "packedRelocations"
  | "executableStack"
  | "versionNeeds"
  | "versionDefinitions"
  | "imports"
  | "ownStaticTls"
> & { exports(): LibraryExports };

export interface LibraryExports {
  has(name: string, version?: string): boolean;
  names(): string[];
}

export type HostLibrary = LibraryFacts | Exclude<NativeFile, ElfFile>;

export interface HostView {
  readonly facts: HostFacts;
  /** The file at an absolute path of the host. Undefined when there is no readable file. */
  library(path: string): HostLibrary | undefined;
  /** The path with links resolved, which identifies a file that has two names. */
  identity(path: string): string;
}

/** Limit of open descriptors. systemd's default soft limit is 1024. */
const MAX_OPEN = 48;

/** Libraries read from the files under `root`, each at most once. */
export function liveView(root: HostRoot, facts: HostFacts): HostView {
  const libraries = new Map<string, HostLibrary>();
  const open: FileSource[] = [];
  return {
    facts,
    identity: (path) => root.resolve(path) ?? path,
    library(path) {
      const real = root.resolve(path);
      if (real === undefined) return undefined;
      const seen = libraries.get(real);
      if (seen !== undefined) return seen;
      const source = root.open(real);
      if (source === undefined) return undefined;
      open.push(source);
      if (open.length > MAX_OPEN) open.shift()?.close();
      const library = readNativeFile(source);
      libraries.set(real, library);
      return library;
    },
  };
}
