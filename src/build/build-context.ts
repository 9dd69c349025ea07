/** The options of a build, and the data that all of its targets share. */
import type { Log } from "../base/log.ts";
import type { Manifest, Target } from "../release/index.ts";
import type { Environment } from "../base/environment.ts";
import type { App } from "./app/app.ts";
import type { Bun } from "./app/tools/find-bun.ts";
import type { Sources } from "./app/sources/sources.ts";
import type { Trace } from "./graph/trace.ts";
import type { BuiltJavaScript } from "./node/javascript.ts";
import type { Scratch } from "./scratch.ts";

/**
 * The beginning of a step of a build. A release takes the steps `install`, `compile`, `prove`, `start` and `pack`, in
 * this order; one without an archive does not take `pack`, and one that is not started does not take `start`. `vendor`
 * is the only step for a target that gets a bundle and no release.
 */
export interface BuildEvent {
  readonly target: string;
  readonly step: "install" | "vendor" | "compile" | "prove" | "start" | "pack";
}

export interface BuildOptions {
  readonly appDir: string;
  /** Target names. Empty means the build machine's. */
  readonly targets: readonly string[];
  /** Output directory for releases and archives. Created when missing. */
  readonly out: string;
  /** Path of the Bun to compile with, instead of the app's own. */
  readonly bun?: string | undefined;
  /**
   * Names of the targets whose bundles each release carries. An empty list means the release's own target alone,
   * undefined means none. A release that is installed as `vendor` always carries its own.
   */
  readonly vendor?: readonly string[] | undefined;
  /** How the release gets its modules; `gantry.install` when left out. */
  readonly install?: Manifest["install"] | undefined;
  /** `off` ships the modules with all files that their packages have. */
  readonly prune?: "on" | "off" | undefined;
  /** `off` makes the release's directory only. */
  readonly archive?: "on" | "off" | undefined;
  /** `off` does not start the finished release. */
  readonly smoke?: "on" | "off" | undefined;
  /** A minisign key or its file. Default: `gantry.publicKey`. */
  readonly publicKey?: string | undefined;
  /** The build machine's target. */
  readonly host: Target;
  /** gantry's own version. */
  readonly gantry: string;
  readonly environment: Environment;
  /** Makes and removes the private directories of this run. */
  readonly scratch: Scratch;
  readonly log: Log;
  /**
   * When it is aborted, the build ends and throws the signal's reason: every tool that runs gets SIGTERM with all its
   * children, and SIGKILL half a second later. Nothing that the build made is left.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called at the beginning of every step. */
  readonly progress?: ((event: BuildEvent) => void) | undefined;
}

/** What every target of one build shares. */
export interface BuildContext extends BuildOptions {
  readonly app: App;
  readonly builder: Bun;
  readonly sources: Sources;
  readonly work: string;
  /** The public key or keys that `publicKey` names, as the manifest has them. */
  readonly publicKeyLine: Manifest["publicKey"];
  /** Node apps only: their JavaScript, built once for all targets. */
  readonly javascript: BuiltJavaScript | undefined;
  /** Apps on Bun only: what their modules import. */
  readonly trace: Trace | undefined;
}

/**
 * Begins a step of a build.
 * @throws the signal's reason when the build was aborted
 */
export function beginStep(
  { signal, progress }: Pick<BuildOptions, "signal" | "progress">,
  { name }: Target,
  step: BuildEvent["step"],
): void {
  signal?.throwIfAborted();
  progress?.({ target: name, step });
}
