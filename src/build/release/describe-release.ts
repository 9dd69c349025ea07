/**
 * Makes the manifest's description of a release from the results of the analysis, the lockfile, the compiler and the
 * installation. Pure.
 */
import {
  type ExternalModule,
  type Manifest,
  type ReleaseBundle,
  type ReleaseRequires,
  type ReleaseRuntime,
  SCHEMA,
  type Target,
} from "../../release/index.ts";
import type { App } from "../app/index.ts";
import type { ReleaseLock } from "../lockfile/index.ts";
import { describeService } from "./describe-service.ts";
import type { CapturedTree, Patterns, Unavailable } from "../tree/index.ts";

/** An external as the analysis found it. */
export interface FoundExternal {
  readonly name: string;
  readonly version: string;
  readonly optional: boolean;
  readonly reason: string;
}

/**
 * The manifest's entries for the externals, in the given order. An external that the app never imports is probed by its
 * own name. An external that is unavailable for this target has the reason in its entry.
 */
export function describeExternals(
  found: readonly FoundExternal[],
  lock: Pick<ReleaseLock, "closure" | "unavailable">,
  imports: Readonly<Record<string, readonly string[]>>,
): ExternalModule[] {
  const gone = new Map(lock.unavailable.map(({ name, reason }) => [name, reason]));
  return found.map(({ name, version, optional, reason }): ExternalModule => {
    const locked = lock.closure.find((module) => module.path === name)?.version ?? version;
    const entry = { name, version: locked, optional, reason, imports: [...(imports[name] ?? [name])] };
    const why = gone.get(name);
    if (why === undefined) return entry;
    return { ...entry, unavailable: { reason: why, fix: "The app starts without it" } };
  });
}

export function withUnavailable(
  externals: readonly ExternalModule[],
  unavailable: ReadonlyMap<string, Unavailable>,
): ExternalModule[] {
  return externals.map((external): ExternalModule => {
    const why = unavailable.get(external.name);
    return why === undefined ? external : { ...external, unavailable: why };
  });
}

export interface ReleaseDescription {
  readonly app: App;
  readonly gantry: string;
  readonly runtime: ReleaseRuntime;
  readonly target: Target;
  readonly externals: readonly ExternalModule[];
  readonly tree: CapturedTree;
  readonly requires: ReleaseRequires | undefined;
  readonly install: Manifest["install"];
  readonly patterns: Required<Patterns>;
  readonly bundle: ReleaseBundle | undefined;
  /** The lines of minisign public keys: a string, or a list of several. */
  readonly publicKey: Manifest["publicKey"];
}

/** Everything in the manifest that is known before all files of the release exist. */
export function describeRelease(description: ReleaseDescription): Omit<Manifest, "executable" | "launcher"> {
  const { app, tree, bundle, publicKey } = description;
  const { keep, exclude } = description.patterns;
  return {
    schema: SCHEMA,
    name: app.name,
    version: app.version,
    binary: app.settings.binary,
    target: description.target.name,
    gantry: description.gantry,
    runtime: description.runtime,
    ...(bundle === undefined ? {} : { bundle }),
    ...(publicKey === undefined ? {} : { publicKey }),
    install: description.install,
    ...(keep.length === 0 ? {} : { keep: keep === "all" ? keep : [...keep] }),
    ...(exclude.length === 0 ? {} : { exclude: [...exclude] }),
    ...(description.target.os === "linux" ? { service: describeService(app) } : {}),
    ...(app.settings.activate === undefined ? {} : { activate: app.settings.activate }),
    ...(app.settings.requires.length === 0 ? {} : { programs: [...app.settings.requires] }),
    externals: [...description.externals],
    modules: tree.modules,
    native: tree.native,
    ...(description.requires === undefined ? {} : { requires: description.requires }),
  };
}
