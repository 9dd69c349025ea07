/**
 * Finds externals that have no files for a target. Package managers skip a missing optional package silently, so the
 * module would be missing on the host only. Here the build finds it. Pure.
 */
import { type BunLock, resolveKey, type Target } from "../../release/index.ts";
import { isPlatformPackage, platformOfName, platformRefusal } from "../analyze/index.ts";
import { edgesOf, fieldsOf, walkClosure, type Pin } from "./package-closure.ts";
import type { CompletedClosure } from "./complete.ts";

export interface Unavailable {
  /** Name of the external. */
  readonly name: string;
  /** One sentence: what is missing for which target. */
  readonly reason: string;
}

/** Returns one entry for each external that cannot work on the target. */
export function findUnavailable(
  completed: CompletedClosure,
  pins: readonly Pin[],
  target: Target,
): Unavailable[] {
  return pins.flatMap((pin) => {
    const keys = [...walkClosure(completed.lock, [pin.key], target).nodes.keys()];
    const unpublished = completed.unpublished.find((edge) => keys.includes(edge.from));
    if (unpublished !== undefined) {
      const what = `${unpublished.name}@${unpublished.spec}, which it needs on ${target.name}`;
      return [{ name: pin.name, reason: `${pin.name}: the registry does not have ${what}` }];
    }
    const bare = keys.find((key) => lacksVariant(completed.lock, key, target));
    if (bare === undefined) return [];
    const via = bare === pin.key ? "" : ` (through ${bare})`;
    return [{ name: pin.name, reason: `${pin.name} has no package for ${target.name}${via}` }];
  });
}

/** Says whether a package has variants for the target's system, and none of them for its processor and C library. */
function lacksVariant(lock: BunLock, key: string, target: Target): boolean {
  const edges = edgesOf(lock, key).filter((edge) => edge.kind === "optional");
  const siblings = edges.map((edge) => edge.name);
  const variants = edges.flatMap((edge) => {
    const found = resolveKey(lock, key, edge.name);
    const entry = found === undefined ? undefined : lock.packages.get(found);
    const fields = entry === undefined ? {} : fieldsOf(entry);
    if (!isPlatformPackage(edge.name, fields)) return [];
    const os = fields.os ?? [platformOfName(edge.name).os];
    return os.includes(target.os) ? [platformRefusal(edge.name, fields, target, siblings)] : [];
  });
  return variants.length > 0 && variants.every((refusal) => refusal !== undefined);
}
