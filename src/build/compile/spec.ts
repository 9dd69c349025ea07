/**
 * What compile.ts and its worker say to each other: one JSON file each way. Standard output is left to the
 * plugins of the app, which may print what they like. Types only, so that both runtimes can import it.
 */

/** Every path is absolute. */
export interface CompileSpec {
  readonly appDir: string;
  readonly entry: string;
  readonly outfile: string;
  /** Bun's name of the target, for example `bun-linux-x64`. */
  readonly target: string;
  readonly externals: readonly string[];
  readonly modulesRoot: string;
  /** A private directory, removed afterwards. */
  readonly work: string;
  readonly defines: Readonly<Record<string, string>>;
  readonly plugins: readonly string[];
  readonly workers: readonly string[];
  readonly sourcemap: "none" | "linked" | "external" | "inline";
}

/** One message of Bun's bundler. */
export interface BuildProblem {
  readonly message: string;
  readonly file?: string;
  /** Counted from 1. */
  readonly line?: number;
  /** The text of that line. */
  readonly source?: string;
  /** Present when an import could not be resolved. */
  readonly specifier?: string;
}

export type WorkerResult =
  | {
      readonly ok: true;
      readonly bunVersion: string;
      /** Why the binary has no bytecode; absent when it has. */
      readonly withoutBytecode?: string;
      /** Specifiers of each external that the app imports. */
      readonly imports: Readonly<Record<string, readonly string[]>>;
      readonly files: readonly string[];
    }
  | { readonly ok: false; readonly stage: "plugin" | "build"; readonly problems: readonly BuildProblem[] };
