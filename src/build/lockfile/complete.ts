/**
 * Adds to a closure (all packages that the externals need) the platform packages of the target that the app's lockfile
 * lacks. The lockfile may have been written on another platform, or shortened. The packages that ask for platform
 * packages name their exact versions.
 */
import { GantryError } from "../../base/errors.ts";
import type { BunLock, Target } from "../../release/index.ts";
import { walkClosure, type Closure, type MissingEdge } from "./package-closure.ts";
import { readRegistryEntries, requestKey, type RegistryOptions } from "./registry-entries.ts";

export interface CompletedClosure {
  /** The app's lockfile, to which the packages that were found are added below the packages that ask for them. */
  readonly lock: BunLock;
  readonly closure: Closure;
  /** Platform packages that the target needs and the registry does not have. */
  readonly unpublished: readonly MissingEdge[];
  /** The packages that were found, each as `name@version`, for the log. */
  readonly added: readonly string[];
}

export interface CompleteOptions extends RegistryOptions {
  readonly target: Target;
  /** The lockfile's path, for messages. */
  readonly where: string;
}

/**
 * Walks the closure and asks the registry for missing packages, until there is no further one to ask for.
 * @param roots keys in the lockfile at which the closure begins
 * @throws GantryError CONFIG_INVALID when the lockfile lacks a hard dependency of one of its packages; NETWORK_FAILED
 */
export async function completeClosure(
  lock: BunLock,
  roots: readonly string[],
  options: CompleteOptions,
): Promise<CompletedClosure> {
  const added = new Map<string, string>();
  const asked = new Set<string>();
  const packages = new Map(lock.packages);
  const current: BunLock = { ...lock, packages };
  for (;;) {
    const closure = walkClosure(current, roots, options.target);
    refuseGaps(closure, added, options.where);
    const wanted = closure.missing.filter(
      (edge) => edge.platform || (edge.kind === "hard" && added.has(edge.from)),
    );
    const fresh = wanted.filter((edge) => !asked.has(`${edge.from}/${edge.name}`));
    if (fresh.length === 0) {
      return { lock: current, closure, unpublished: wanted, added: [...added.values()] };
    }
    const entries = await readRegistryEntries(fresh, options);
    for (const edge of fresh) {
      const key = `${edge.from}/${edge.name}`;
      const entry = entries.get(requestKey(edge));
      asked.add(key);
      if (entry === undefined) continue;
      packages.set(key, entry);
      added.set(key, `${entry.name}@${entry.version}`);
    }
  }
}

/**
 * Refuses a lockfile that lacks a hard dependency of one of its packages: such a lockfile is damaged or belongs to
 * another package.json.
 */
function refuseGaps(closure: Closure, added: ReadonlyMap<string, string>, where: string): void {
  const gaps = closure.missing.filter((edge) => edge.kind === "hard" && !added.has(edge.from));
  if (gaps.length === 0) return;
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: "the lockfile lacks packages that its own packages need",
    where,
    detail: gaps.slice(0, 8).map((edge) => `${edge.name} ${edge.spec}, needed by ${edge.from}`),
    fix: "install again with the app's package manager and commit the lockfile",
  });
}
