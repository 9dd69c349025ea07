/** The subjects of all fault tests, built once for a run of the hosts' tests. */
import { cpSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { inject } from "vitest";
import { makeSubject } from "./subject.mjs";
import type { Subject } from "./sweep.mjs";

/** As it was unpacked, apart from what the test before left. */
export function sharedSubject(name: "small" | "sample"): Subject {
  const work = join(dirname(dirname(inject("release"))), "subjects");
  mkdirSync(work, { recursive: true });
  return makeSubject(name, work);
}

/** A whole copy elsewhere, its binary too, of the same age. */
export function copySubject(subject: Subject, root: string): Subject {
  cpSync(subject.root, root, { recursive: true, preserveTimestamps: true });
  const argv = subject.start.argv.map((word) => word.replace(subject.root, root));
  return { ...subject, root, start: { ...subject.start, argv } };
}
