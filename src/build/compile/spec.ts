/**
 * The protocol between compile.ts and its worker: one JSON file in each direction, because plugins of the app may print
 * to standard output. This file has types only, so that code for both runtimes can import it.
 */

import type { Reached } from "./reached.ts";
import type { Asset } from "../graph/index.ts";

/** The part of each request that is about the sources. Every path is absolute. */
export interface SourceSpec {
  readonly appDir: string;
  /** The workspace root. */
  readonly root: string;
  readonly entry: string;
  readonly externals: readonly string[];
  /** A private directory, which is removed afterwards. */
  readonly work: string;
  readonly defines: Readonly<Record<string, string>>;
  readonly plugins: readonly string[];
  readonly workers: readonly string[];
}

/** The request for a compile. */
export interface CompileSpec extends SourceSpec {
  readonly outfile: string;
  /** Bun's name of the target, for example `bun-linux-x64`. */
  readonly target: string;
  readonly modulesRoot: string;
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

/** The request for a trace: the graph of modules that a compile would take in, and what that leaves to the running app. */
export interface TraceSpec extends SourceSpec {
  /** `native`: native packages stay outside besides the externals, except those of `inside`. */
  readonly detect: "native" | "nothing";
  /** Names of packages that are compiled in nevertheless. */
  readonly inside: readonly string[];
  /** Names of packages that the app may load by computed names. */
  readonly candidates: readonly string[];
}

export type WorkerResult =
  | {
      readonly ok: true;
      readonly bunVersion: string;
      /** Why the binary has no bytecode. Absent when it has. */
      readonly withoutBytecode?: string;
      /** All specifiers by which the app imports each external. */
      readonly imports: Readonly<Record<string, readonly string[]>>;
      readonly files: readonly string[];
      /** Files that the sources name by their own place. */
      readonly assets: readonly Asset[];
      readonly warnings: readonly string[];
      readonly reached: { readonly packages: readonly Reached[]; readonly externals: readonly Reached[] };
    }
  | { readonly ok: false; readonly stage: "plugin" | "build"; readonly problems: readonly BuildProblem[] };
