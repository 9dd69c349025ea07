/** Every step at which a change can stop, with everything that can lie on the disk then: one whole generation is left. */
import { describe, expect, it } from "vitest";
import type { ChangeRecord, Step } from "../../../src/service/transaction/record.ts";
import { planRecovery, type RecoveryFacts } from "../../../src/service/transaction/recovery-plan.ts";

const OLD = "0.1.0-000000000001";
const NEW = "0.2.0-000000000002";

const record = (step: Step, changed: Partial<ChangeRecord> = {}): ChangeRecord => ({
  schema: 1,
  action: "upgrade",
  from: OLD,
  to: NEW,
  created: true,
  running: true,
  step,
  began: 0,
  who: { user: "root", uid: 0 },
  ...changed,
});
const facts = (changed: Partial<RecoveryFacts> = {}): RecoveryFacts => ({
  current: OLD,
  generations: [OLD, NEW],
  snapshot: false,
  ...changed,
});

const first = (step: Step) => record(step, { action: "install", from: null });

describe("an interrupted upgrade", () => {
  it.each<[string, ChangeRecord, RecoveryFacts, ReturnType<typeof planRecovery>]>([
    [
      "before anything of it was there",
      record("placing", { to: null, created: false }),
      facts({ generations: [OLD] }),
      { resume: false, keep: OLD, restoreData: false, switch: false, remove: null },
    ],
    [
      "announced, and not renamed into place yet",
      record("placing"),
      facts({ generations: [OLD] }),
      { resume: false, keep: OLD, restoreData: false, switch: false, remove: null },
    ],
    [
      "in place",
      record("placing"),
      facts(),
      { resume: false, keep: OLD, restoreData: false, switch: false, remove: NEW },
    ],
    [
      "in place before it began",
      record("placing", { created: false }),
      facts(),
      { resume: false, keep: OLD, restoreData: false, switch: false, remove: null },
    ],
    [
      "with the data being copied",
      record("copying"),
      facts(),
      { resume: false, keep: OLD, restoreData: false, switch: false, remove: NEW },
    ],
    [
      "with the data copied and nothing run",
      record("copying"),
      facts({ snapshot: true }),
      { resume: false, keep: OLD, restoreData: false, switch: false, remove: NEW },
    ],
    [
      "in its own command, without a copy",
      record("activating"),
      facts(),
      { resume: false, keep: OLD, restoreData: false, switch: false, remove: NEW },
    ],
    [
      "in its own command, with a copy",
      record("activating"),
      facts({ snapshot: true }),
      { resume: false, keep: OLD, restoreData: true, switch: false, remove: NEW },
    ],
    [
      "with new units and the old link",
      record("switching"),
      facts(),
      { resume: false, keep: OLD, restoreData: false, switch: true, remove: NEW },
    ],
    [
      "with the new link, and a copy of the data from before",
      record("switching"),
      facts({ current: NEW, snapshot: true }),
      { resume: true, keep: NEW, restoreData: false, switch: true, remove: null },
    ],
    [
      "with the old link, and a copy of the data from before",
      record("switching"),
      facts({ snapshot: true }),
      { resume: false, keep: OLD, restoreData: true, switch: true, remove: NEW },
    ],
    [
      "with the data put back already",
      record("switching"),
      facts({ current: NEW }),
      { resume: false, keep: OLD, restoreData: false, switch: true, remove: NEW },
    ],
    [
      "healthy",
      record("confirmed"),
      facts({ current: NEW, snapshot: true }),
      { resume: false, keep: NEW, restoreData: false, switch: false, remove: null },
    ],
    [
      "with the old one gone from the disk",
      record("switching"),
      facts({ current: NEW, generations: [NEW] }),
      { resume: false, keep: NEW, restoreData: false, switch: false, remove: null },
    ],
  ])("%s", (_, interrupted, found, plan) => {
    expect(planRecovery(interrupted, found, "recover")).toEqual(plan);
  });
});

describe("an interrupted first installation", () => {
  it.each<[Step, RecoveryFacts, ReturnType<typeof planRecovery>]>([
    [
      "placing",
      facts({ current: null, generations: [NEW] }),
      { resume: false, keep: null, restoreData: false, switch: false, remove: NEW },
    ],
    [
      "activating",
      facts({ current: null, generations: [NEW] }),
      { resume: false, keep: null, restoreData: false, switch: false, remove: NEW },
    ],
    [
      "switching",
      facts({ current: null, generations: [NEW] }),
      { resume: false, keep: NEW, restoreData: false, switch: true, remove: null },
    ],
    [
      "switching",
      facts({ current: NEW, generations: [NEW] }),
      { resume: false, keep: NEW, restoreData: false, switch: false, remove: null },
    ],
  ])("at %s", (step, found, plan) => {
    expect(planRecovery(first(step), found, "recover")).toEqual(plan);
  });
});

it("a new one that was on trial and is not well is undone, its data too", () => {
  expect(planRecovery(record("switching"), facts({ current: NEW, snapshot: true }), "undo")).toEqual({
    resume: false,
    keep: OLD,
    restoreData: true,
    switch: true,
    remove: NEW,
  });
});

it("whatever is on the disk: what is kept exists, and is never what is removed", () => {
  const steps = ["placing", "copying", "activating", "switching", "confirmed"] as const;
  const flags = [true, false];
  let plans = 0;
  for (const step of [...steps, ...steps])
    for (const from of [OLD, null])
      for (const created of flags)
        for (const snapshot of flags)
          for (const generations of [[OLD, NEW], [OLD], [NEW], []])
            for (const current of [OLD, NEW, null]) {
              const found = { current, generations, snapshot };
              const plan = planRecovery(
                record(step, { from, created }),
                found,
                plans % 2 === 0 ? "undo" : "recover",
              );
              plans += 1;
              expect(plan.keep === null || generations.includes(plan.keep)).toBe(true);
              expect(plan.remove === null || plan.remove !== plan.keep).toBe(true);
              // The one that served before is never taken away.
              expect(plan.remove === OLD).toBe(false);
              // Data is only ever put back for the one that wrote it.
              expect(plan.restoreData && plan.keep === NEW).toBe(false);
            }
  expect(plans).toBe(960);
});
