// node scripts/faults.mjs [SEED]: breaks first starts with SIGKILL, EIO and ENOSPC: the small release at every system
// call that changes files, the sample at each kind of call in each stage and at 200 random calls. Then cuts the power
// at each kind of call in each stage and at 20 random calls, on ext4 and on xfs. Needs strace, and root and xfs_io for
// the power cuts; takes about half an hour. `npm run test:hosts` runs a part of it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { choosePoints, FAULTS, findPoints } from "../test/support/faults/inject.mjs";
import { cutPower, FILE_SYSTEMS, makeDisk } from "../test/support/faults/powerloss.mjs";
import { makeSubject } from "../test/support/faults/subject.mjs";
import { breakOnce, reset } from "../test/support/faults/sweep.mjs";
import { ensureBuilt } from "./install.mjs";

const seed = Number(process.argv[2] ?? 1);
ensureBuilt();
const work = mkdtempSync(join(tmpdir(), "gantry-faults-"));
let failures = 0;
try {
  for (const name of /** @type {const} */ (["small", "sample"])) {
    const subject = makeSubject(name, work);
    const all = findPoints(subject.start, subject.root, work);
    reset(subject.root);
    const points = name === "small" ? all : choosePoints(all, 200, seed);
    for (const fault of FAULTS) {
      const found = points.flatMap((point) => breakOnce(subject, point, fault) ?? []);
      failures += found.length;
      for (const text of found) console.log(text);
      console.log(`${name}: ${fault} at ${points.length} of ${all.length} places: ${found.length} failures`);
    }
  }
  failures += pullPlugs(makeSubject("small", work));
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;

/** @param {import("../test/support/faults/sweep.mjs").Subject} subject @returns {number} failures */
function pullPlugs(subject) {
  let count = 0;
  const all = findPoints(subject.start, subject.root, work);
  reset(subject.root);
  // The start gate of the start script is no part of `prepare`.
  const points = choosePoints(all, 20, seed).filter(
    ({ stage, call }) => stage !== "begin" && stage !== "the" && !call.startsWith("open"),
  );
  for (const type of FILE_SYSTEMS) {
    const disk = makeDisk(type, subject, work);
    if (disk === undefined) {
      console.log(`${type}: skipped, because it cannot be mounted from a file here`);
      continue;
    }
    try {
      const found = [...points, /** @type {const} */ ("done")].flatMap(
        (point) => cutPower(disk, subject, point) ?? [],
      );
      count += found.length;
      for (const text of found) console.log(text);
      console.log(`${type}: power cut at ${points.length + 1} places: ${found.length} failures`);
    } finally {
      disk.dispose();
    }
  }
  return count;
}
