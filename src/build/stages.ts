/** What is known of a target at each stage of a build. Types only. */
import type { ExternalModule, ReleaseRuntime, Target } from "../release/index.ts";
import type { Analysis } from "./analyze/analyze.ts";
import type { PackedBundle } from "./bundle/pack.ts";
import type { ReleaseLock } from "./lock/release-lockfile.ts";
import type { NodeRuntime } from "./node/node-runtime.ts";
import type { CapturedTree } from "./tree/capture.ts";

/** What runs a release's app: a compiled binary, or a Node beside the app's JavaScript. */
export interface Program {
  readonly runtime: ReleaseRuntime;
  /** Specifiers that the app imports, by external; see CompileResult. */
  readonly imports: Readonly<Record<string, readonly string[]>>;
  /** What answers the load probe. */
  readonly probe: { readonly executable: string; readonly args: readonly string[] };
  /** The program's file in the release; undefined when the host's own runs it. */
  readonly shipped: string | undefined;
  /** A directory to be searched first, where the release looks for the host's own. */
  readonly path: string | undefined;
}

/** A target before its release is put together. */
export interface StagedTarget {
  readonly target: Target;
  /** Holds the release's directory, and the tree. */
  readonly stage: string;
  /** The release's directory and its name. */
  readonly release: string;
  readonly name: string;
  /** The directory whose node_modules was captured. */
  readonly treeDirectory: string;
  readonly externals: readonly ExternalModule[];
  readonly tree: CapturedTree;
  /** What runs it. */
  readonly program: Program;
  /** Undefined when there are no modules. */
  readonly bundle: PackedBundle | undefined;
}

/** A target whose modules are locked and installed; its program does not exist yet. */
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
