/**
 * Power loss during a first start, on ext4 and xfs: FS_IOC_SHUTDOWN (xfs_io's shutdown, which both know) lets nothing
 * more reach the disk, as if the plug were pulled; the next mount replays the journal. Then the modules are there and
 * whole, or a start makes them; a half is never believed. scripts/faults.mjs cuts at many more places.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPoints, type Point } from "../support/faults/inject.mjs";
import { cutPower, FILE_SYSTEMS, makeDisk, type Disk } from "../support/faults/powerloss.mjs";
import { sharedSubject } from "../support/faults/shared.ts";
import { reset, type Subject } from "../support/faults/sweep.mjs";

let work = "";
let subject: Subject;
let points: readonly Point[] = [];
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-powerloss-"));
  subject = sharedSubject("small");
  points = findPoints(subject.start, subject.root, work);
  reset(subject.root);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe.each(FILE_SYSTEMS)("on %s", (type) => {
  let disk: Disk | undefined;
  beforeAll(() => {
    disk = makeDisk(type, subject, work);
    if (disk === undefined)
      console.warn(`skipped: power loss on ${type}, which cannot be mounted from a file here`);
  });
  afterAll(() => disk?.dispose());

  it("a cut at any point leaves a tree that is whole, or none that is believed", ({ skip }) => {
    if (disk === undefined) return skip();
    const cuts = [/^mkdir$/, /^fsync$/, /^rename$/, /^utimensat$/].map((call) =>
      points.findLast((point) => call.test(point.call)),
    );
    expect(cuts).not.toContain(undefined);
    for (const point of cuts)
      expect(point === undefined ? "" : cutPower(disk, subject, point)).toBeUndefined();
  });

  it("a cut right after prepare said that it is done leaves the tree, whole and ready", ({ skip }) => {
    if (disk === undefined) return skip();
    expect(cutPower(disk, subject, "done")).toBeUndefined();
  });
});
