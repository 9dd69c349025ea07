/** Which generations may go. Pure. */

export interface RetentionFacts {
  /** All that lie in releases/. */
  readonly generations: readonly string[];
  readonly current: string | null;
  readonly fallback: string | null;
  /** The one that the service's process was started from, which a hand on the links does not change. */
  readonly running: string | null;
  /** See healthyGenerations. */
  readonly healthy: readonly string[];
}

/**
 * The generations to remove so that `keep` are left, the current one among them: first those that never were healthy,
 * then those whose time is longest ago. The current, the running and the last healthy one always stay.
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
 * The generation to go back to: the last healthy one beside the current one.
 * @param version only generations of this version, or the one of this whole name
 */
export function chooseRollback(
  facts: RetentionFacts,
  version: string | undefined,
  versionOf: (name: string) => string | undefined,
): string | undefined {
  const wanted = (name: string) => version === undefined || name === version || versionOf(name) === version;
  const there = facts.generations.filter((name) => name !== facts.current && wanted(name));
  const healthy = facts.healthy.find((name) => there.includes(name));
  // One that never was healthy is taken only when it is asked for by name.
  return healthy ?? (version === undefined ? undefined : there.at(-1));
}
