/** What `gantry build --json` prints: one document at the end, for programs. Pure. */
import { type SpelledFinding, spellFinding, type GantryError } from "../base/errors.ts";
import type { Manifest } from "../release/index.ts";
import { bytesOf, type ReleaseSummary } from "./release/index.ts";
import type { ReleaseStart } from "./smoke/index.ts";
import type { LeftOut } from "./tree/index.ts";

/** A package that stays outside the program. */
interface OutsideJson {
  readonly name: string;
  readonly version: string;
  /** A sentence that names the evidence. */
  readonly reason: string;
  /** Bytes of the files that it needs, those that others need too included. */
  readonly bytes: number;
  readonly optional: boolean;
  /** Why the release does not have it. */
  readonly unavailable?: string | undefined;
}

/** One release of a build. */
interface ReleaseJson {
  readonly name: string;
  readonly version: string;
  readonly target: string;
  readonly directory: string;
  readonly archive?: string | undefined;
  readonly archiveBytes?: number | undefined;
  readonly runtime: { readonly kind: "bun" | "node"; readonly version: string };
  readonly install: Manifest["install"];
  /** Sizes in bytes of its files, by path. */
  readonly files: Readonly<Record<string, number>>;
  /** Bytes of all modules. A release that carries no bundle gets them at its first start. */
  readonly modulesBytes: number;
  readonly outside: readonly OutsideJson[];
  readonly leftOut: readonly LeftOut[];
  readonly loadedHere: boolean;
  readonly started: ReleaseStart;
}

/** What a build says to a program. */
export type BuildJson =
  | {
      readonly schema: 1;
      readonly outcome: "done";
      readonly releases: readonly ReleaseJson[];
      readonly warnings: readonly string[];
    }
  | {
      readonly schema: 1;
      readonly outcome: "failed";
      readonly exit: number;
      readonly findings: readonly SpelledFinding[];
      readonly warnings: readonly string[];
    };

/** Describes a build that ended well. */
export function describeBuild(built: readonly ReleaseSummary[], warnings: readonly string[]): BuildJson {
  return { schema: 1, outcome: "done", releases: built.map(describeOne), warnings };
}

/** Describes a build that failed. */
export function describeFailure({ exit, findings }: GantryError, warnings: readonly string[]): BuildJson {
  return { schema: 1, outcome: "failed", exit, findings: findings.map(spellFinding), warnings };
}

function describeOne(summary: ReleaseSummary): ReleaseJson {
  const { target, directory, archive, archiveBytes, manifest, files, leftOut, loadedHere, started } = summary;
  const { name, version, runtime, install, externals } = manifest;
  return {
    name,
    version,
    target,
    directory,
    archive,
    archiveBytes,
    runtime: { kind: runtime.kind, version: runtime.version },
    install,
    files,
    modulesBytes: bytesOf(manifest),
    outside: externals.map(({ unavailable, optional, ...external }) => ({
      name: external.name,
      version: external.version,
      reason: summary.reasons[external.name] ?? "",
      bytes: bytesOf(manifest, external.name),
      optional,
      unavailable: unavailable?.reason,
    })),
    leftOut,
    loadedHere,
    started,
  };
}
