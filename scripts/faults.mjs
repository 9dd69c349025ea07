// node scripts/faults.mjs [SEED]: breaks first starts at every file-changing system call (the small release) and at each
// kind of call in each stage plus 200 places by chance (the sample), by SIGKILL, EIO and ENOSPC. Needs strace; takes
// a quarter of an hour or so. `npm run test:hosts` runs a part of it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { choosePoints, FAULTS, findPoints } from "../test/hosts/faults/inject.mjs";
import { makeSubject } from "../test/hosts/faults/subject.mjs";
import { breakOnce, reset } from "../test/hosts/faults/sweep.mjs";
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
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;
