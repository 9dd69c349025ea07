/** Types for the state of a target at each stage of a build. */
import type { ExternalModule, ReleaseRuntime, Target } from "../release/index.ts";
import type { Analysis } from "./analyze/analyze.ts";
import type { PackedBundle } from "./bundle/pack.ts";
import type { ReleaseLock } from "./lock/release-lockfile.ts";
import type { NodeRuntime } from "./node/node-runtime.ts";
import type { CapturedTree } from "./tree/capture.ts";

/** The program of a release: a compiled binary, or a Node beside the app's JavaScript. */
export interface Program {
  readonly runtime: ReleaseRuntime;
  /** Specifiers that the app imports, by external; see CompileResult. */
  readonly imports: Readonly<Record<string, readonly string[]>>;
  /** The command that runs the load probe. */
  readonly probe: { readonly executable: string; readonly args: readonly string[] };
  /** Path of the program in the release. Undefined when the host's own is used. */
  readonly shipped: string | undefined;
  /** A directory that comes first on the PATH when the release uses the host's own Node. */
  readonly path: string | undefined;
}

/** A target whose parts are made, before its release is put together. */
export interface StagedTarget {
  readonly target: Target;
  /** Directory that holds the release and the tree. */
  readonly stage: string;
  /** The release's directory and its name. */
  readonly release: string;
  readonly name: string;
  /** The directory whose node_modules was captured. */
  readonly treeDirectory: string;
  readonly externals: readonly ExternalModule[];
  readonly tree: CapturedTree;
  /** The program that runs it. */
  readonly program: Program;
  /** Undefined when there are no modules. */
  readonly bundle: PackedBundle | undefined;
}

/** A target whose modules are locked and installed, before its program is made. */
export interface InstalledTarget extends Pick<
  StagedTarget,
  "target" | "stage" | "release" | "name" | "treeDirectory"
> {
  readonly analysis: Analysis;
  readonly lock: ReleaseLock;
  readonly tree: CapturedTree;
  /** Node apps only. */
  readonly node: NodeRuntime | undefined;
}
