import { describe, expect, it } from "vitest";
import { chooseRollback, planClean, type RetentionFacts } from "../../../src/service/releases/retention.ts";
import { generationVersion } from "../../../src/service/service-layout.ts";

const name = (version: number) => `${version}.0.0-00000000000${version}`;
const [A, B, C, D, E] = [1, 2, 3, 4, 5].map(name) as [string, string, string, string, string];

const facts = (changed: Partial<RetentionFacts> = {}): RetentionFacts => ({
  generations: [A, B, C, D, E],
  current: E,
  fallback: E,
  running: E,
  healthy: [E, D, C, B, A],
  ...changed,
});

describe("what clean removes", () => {
  it.each<[string, RetentionFacts, number, string[]]>([
    ["the oldest, so that as many are left", facts(), 3, [B, A]],
    ["nothing when no more are there", facts(), 5, []],
    ["all but the current one", facts(), 1, [D, C, B, A]],
    ["what never was healthy first", facts({ healthy: [E, C, B, A] }), 4, [D]],
    ["never the one that still runs", facts({ running: B }), 1, [D, C, A]],
    ["never the one to fall back to", facts({ fallback: C }), 1, [D, B, A]],
    ["never the last healthy one, when the current one is not", facts({ healthy: [D, A] }), 1, [A, B, C]],
    ["nothing that is not there", facts({ generations: [D, E] }), 1, [D]],
  ])("%s", (_, found, keep, removed) => {
    expect(planClean(found, keep).toSorted()).toEqual(removed.toSorted());
  });
});

describe("where a rollback goes", () => {
  it.each<[string, RetentionFacts, string | undefined, string | undefined]>([
    ["to the last healthy one before", facts(), undefined, D],
    ["not to one that is gone", facts({ generations: [A, B, E] }), undefined, B],
    ["nowhere when none was healthy", facts({ healthy: [E] }), undefined, undefined],
    ["to the version that is named", facts(), "2.0.0", B],
    ["to the generation that is named", facts(), C, C],
    ["to one that never was healthy, when it is named", facts({ healthy: [E] }), "4.0.0", D],
    ["nowhere for the current version", facts(), "5.0.0", undefined],
    ["nowhere for a version that is not there", facts(), "9.0.0", undefined],
  ])("%s", (_, found, version, chosen) => {
    expect(chooseRollback(found, version, generationVersion)).toBe(chosen);
  });
});
