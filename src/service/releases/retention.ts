/** Retention: which generations are removed, and which one a rollback chooses. Pure. */

export interface RetentionFacts {
  /** All generations in releases/. */
  readonly generations: readonly string[];
  readonly current: string | null;
  readonly fallback: string | null;
  /** The generation that the running process was started from. A change of the links by hand does not change it. */
  readonly running: string | null;
  /** See healthyGenerations. */
  readonly healthy: readonly string[];
}

/**
 * The generations to remove so that `keep` are left, including the current one. First those that never were healthy,
 * then those that were in charge longest ago. The current, the running and the last healthy one always stay.
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
 * The generation to go back to: the last healthy one other than the current one.
 * @param version only generations of this version, or the one with this full name
 */
export function chooseRollback(
  facts: RetentionFacts,
  version: string | undefined,
  versionOf: (name: string) => string | undefined,
): string | undefined {
  const wanted = (name: string) => version === undefined || name === version || versionOf(name) === version;
  const there = facts.generations.filter((name) => name !== facts.current && wanted(name));
  const healthy = facts.healthy.find((name) => there.includes(name));
  // One that never was healthy is chosen only by name.
  return healthy ?? (version === undefined ? undefined : there.at(-1));
}
