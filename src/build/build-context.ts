/** What a build is asked for, and what all of its targets share. */
import type { Log } from "../base/log.ts";
import type { Manifest, Target } from "../release/index.ts";
import type { Environment } from "../base/environment.ts";
import type { App } from "./app/app.ts";
import type { Bun } from "./app/bun.ts";
import type { Sources } from "./app/sources.ts";
import type { BuiltJavaScript } from "./node/javascript.ts";
import type { Scratch } from "./scratch.ts";

/** What a build begins to do for a target, in this order; `vendor` is for targets that only a bundle is made for. */
export interface BuildEvent {
  readonly target: string;
  readonly step: "install" | "vendor" | "compile" | "prove" | "pack";
}

export interface BuildOptions {
  readonly appDir: string;
  /** Names; the building machine's when empty. */
  readonly targets: readonly string[];
  /** Where releases and archives go; made when missing. */
  readonly out: string;
  /** Path of the Bun to compile with, instead of the app's own. */
  readonly bun?: string | undefined;
  /**
   * Names of the targets whose bundles each release carries; an empty list means the release's own target alone, no
   * list none at all. A release that is installed as `vendor` always carries its own.
   */
  readonly vendor?: readonly string[] | undefined;
  /** How the release gets its modules; `gantry.install` when left out. */
  readonly install?: Manifest["install"] | undefined;
  /** `off` ships the modules as they were published. */
  readonly prune?: "on" | "off" | undefined;
  /** minisign key or its file; `gantry.publicKey` when left out. */
  readonly publicKey?: string | undefined;
  /** The building machine's target. */
  readonly host: Target;
  /** gantry's own version. */
  readonly gantry: string;
  readonly environment: Environment;
  /** Owns the private directories of this run. */
  readonly scratch: Scratch;
  readonly log: Log;
  /** Aborting it ends the build before its next step, with the signal's reason; a tool that runs comes to its end. */
  readonly signal?: AbortSignal | undefined;
  /** Is told of every step when it begins. */
  readonly progress?: ((event: BuildEvent) => void) | undefined;
}

/** What every target of one build shares. */
export interface BuildContext extends BuildOptions {
  readonly app: App;
  readonly builder: Bun;
  readonly sources: Sources;
  readonly work: string;
  /** The pinned key as the manifest has it. */
  readonly publicKeyLine: Manifest["publicKey"];
  /** Node apps only: their JavaScript, built once for all targets. */
  readonly javascript: BuiltJavaScript | undefined;
}

/**
 * Begins a step of a build.
 * @throws the signal's reason once the build is aborted
 */
export function beginStep(
  { signal, progress }: Pick<BuildOptions, "signal" | "progress">,
  { name }: Target,
  step: BuildEvent["step"],
): void {
  signal?.throwIfAborted();
  progress?.({ target: name, step });
}
