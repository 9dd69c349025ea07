/**
 * The door of the compat room: will this native file load on that host, in that runtime? Pure: it reads no file and
 * asks no system. Callers pass what the host room has read.
 */
/** Packages of each distribution that contain a library. */
export { packagesOf } from "./system-packages.ts";
/** Cause and fix of a message that a loader, a runtime or a shell has printed. */
export { explain, type Explanation } from "./explain.ts";
export type { CompatFinding, FileVerdict, Verdict } from "./compat-finding.ts";
/** Judges one file after another for one host and one runtime. */
export { createJudge, type Judge } from "./judge-files.ts";
/** What the files of a release ask of every host that is to run it. */
export { deriveRequires, type ShippedFile } from "./requires.ts";
export { isAddon } from "./rules/registration.ts";
/** GANTRY_SKIP: turns findings that a person has named from errors into warnings. */
export { downgrade, downgradeVerdict, parseSkip } from "./skip.ts";
