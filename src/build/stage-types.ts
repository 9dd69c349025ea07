/** Types for the state of a target during a build. */
import type { Asset } from "./graph/assets.ts";
import type { ExternalModule, ReleaseRuntime, Target } from "../release/index.ts";
import type { Analysis } from "./analyze/analyze.ts";
import type { PackedBundle } from "./bundle/pack.ts";
import type { ReleaseLock } from "./lockfile/release-lockfile.ts";
import type { NodeRuntime } from "./node/node-runtime.ts";
import type { CapturedTree } from "./tree/capture.ts";

/** The program of a release: a compiled binary, or the app's JavaScript with the Node that runs it. */
export interface Program {
  readonly runtime: ReleaseRuntime;
  /** Specifiers by which the app imports each external; see CompileResult. */
  readonly imports: Readonly<Record<string, readonly string[]>>;
  /** The externals that every start loads, each with the file that imports it. Unknown for a Node app. */
  readonly atStart?: ReadonlyMap<string, string> | undefined;
  /** Files for lib/assets. A Node app has none: its JavaScript lies beside its files. */
  readonly assets?: readonly Asset[] | undefined;
  /** The command that runs the load probe. */
  readonly probe: { readonly executable: string; readonly args: readonly string[] };
  /** Path of the program in the release. Undefined when the host's own Node is used. */
  readonly shipped: string | undefined;
  /** A directory to put first on the PATH when the release uses the host's own Node. */
  readonly path: string | undefined;
}

/** A target after its parts were made, before its release is put together. */
export interface StagedTarget {
  readonly target: Target;
  /** Directory that holds the release and the tree. */
  readonly stage: string;
  /** The release's directory. `name` is the directory's name. */
  readonly release: string;
  readonly name: string;
  /** The directory that contains the installed node_modules. */
  readonly treeDirectory: string;
  readonly externals: readonly ExternalModule[];
  readonly analysis: Analysis;
  readonly tree: CapturedTree;
  /** The program that runs the app. */
  readonly program: Program;
  /** Undefined when there are no modules. */
  readonly bundle: PackedBundle | undefined;
}

/** A target after its lockfile was written and its modules were installed, before its program is made. */
export interface InstalledTarget extends Pick<
  StagedTarget,
  "target" | "stage" | "release" | "name" | "treeDirectory" | "analysis"
> {
  readonly lock: ReleaseLock;
  readonly tree: CapturedTree;
  /** The Node for which the app is built. Undefined for an app that runs on Bun. */
  readonly node: NodeRuntime | undefined;
}
