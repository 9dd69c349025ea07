/** What a trace of an app finds (build/compile, trace.ts). Types only. */
import type { ComputedLoad } from "./loads.ts";

/** An import of a package by a file that is compiled in. Every path is absolute, with links resolved. */
export interface TracedImport {
  readonly name: string;
  /** The package's directory. */
  readonly dir: string;
  readonly by: string;
  /** Bun's name of the kind, such as `import-statement`. */
  readonly kind: string;
}

export interface Trace {
  readonly imports: readonly TracedImport[];
  /** Scripts that the modules start as workers, besides those that the settings name. Sorted. */
  readonly workers: readonly string[];
  readonly loads: readonly (ComputedLoad & { readonly by: string })[];
  /** Files that contain the name of a candidate as a text. */
  readonly named: readonly { readonly name: string; readonly by: string }[];
  /** Imports of `.node` and `.wasm` files that are not there. */
  readonly missing: readonly { readonly specifier: string; readonly by: string }[];
}
