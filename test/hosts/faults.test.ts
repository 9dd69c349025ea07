/**
 * Starts that are broken at one system call: killed there, or told that the disk failed or is full. The next start has
 * to work, with the very same tree. A part of all places, the same part every time; scripts/faults.mjs does all of them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partOf } from "../support/wide-table.ts";
import { choosePoints, FAULTS, findPoints, type Point } from "../support/faults/inject.mjs";
import { sharedSubject } from "../support/faults/shared.ts";
import { breakOnce, reset, type Subject } from "../support/faults/sweep.mjs";

let work = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-faults-"));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe.each([
  ["small", 10, FAULTS],
  ["sample", 0, partOf("faults of the sample release", FAULTS, 1)],
] as const)("a cold start of the %s release", (name, number, faults) => {
  let subject: Subject;
  let all: readonly Point[] = [];
  let points: readonly Point[] = [];
  beforeAll(() => {
    subject = sharedSubject(name);
    const found = findPoints(subject.start, subject.root, work);
    reset(subject.root);
    all = found;
    points = choosePoints(found, number, 7);
  });

  it("changes files in every stage", () => {
    expect(new Set(all.map(({ stage }) => stage)).size).toBeGreaterThan(2);
    expect(points.length).toBeGreaterThan(number);
  });

  it.each(faults)("that is broken by %s works the next time", { timeout: 1_800_000 }, (fault) => {
    expect(points.flatMap((point) => breakOnce(subject, point, fault) ?? [])).toEqual([]);
  });
});
