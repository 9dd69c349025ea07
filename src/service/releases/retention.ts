/** Retention: which generations are removed, and which one a rollback chooses. Pure. */

export interface RetentionFacts {
  /** All generations in releases/, in the order of readGenerations. */
  readonly generations: readonly string[];
  readonly current: string | null;
  readonly fallback: string | null;
  /** The generation that the running process was started from. It stays the same when a person changes the links. */
  readonly running: string | null;
  /** Generations that were healthy, latest first, see healthyGenerations. */
  readonly healthy: readonly string[];
}

/**
 * The generations to remove so that `keep` are left, including the current one. First those are removed that are not in
 * `healthy`, then those that were in charge longest ago. The current, the running and the last healthy one and the
 * fallback always stay, also when they are more than `keep`.
 */
export function planClean(facts: RetentionFacts, keep: number): string[] {
  const lastHealthy = facts.healthy.find((name) => facts.generations.includes(name));
  const safe = new Set([facts.current, facts.fallback, facts.running, lastHealthy]);
  const held = facts.generations.filter((name) => safe.has(name));
  const rank = (name: string) => {
    const index = facts.healthy.indexOf(name);
    return index === -1 ? facts.healthy.length : index;
  };
  const others = facts.generations.filter((name) => !safe.has(name)).toSorted((a, b) => rank(a) - rank(b));
  return others.slice(Math.max(0, keep - held.length));
}

/**
 * The generation to go back to: the last healthy one other than the current one. Undefined when there is none.
 * @param version a version, or the name of a generation; only such generations are chosen from
 * @param versionOf the version in a generation's name
 */
export function chooseRollback(
  facts: RetentionFacts,
  version: string | undefined,
  versionOf: (name: string) => string | undefined,
): string | undefined {
  const wanted = (name: string) => version === undefined || name === version || versionOf(name) === version;
  const there = facts.generations.filter((name) => name !== facts.current && wanted(name));
  const healthy = facts.healthy.find((name) => there.includes(name));
  // A generation that is not in `healthy` is chosen only when its version or its name is given.
  return healthy ?? (version === undefined ? undefined : there.at(-1));
}
