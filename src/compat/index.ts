/**
 * The door of the compat room: will this native file load on that host, in that runtime? Pure: it reads no file and
 * asks no system. Callers pass the facts that the host room has read.
 */
/** Names the packages of each distribution that contain a library, for Dockerfiles. */
export { installProgram, packagesOf, packagesOfProgram } from "./system-packages.ts";
/** Finds cause and fix of a message that a loader, a runtime or a shell has printed, for `doctor --explain`. */
export { explain, type ExplainFacts, type Explanation } from "./explain.ts";
export type { CompatFinding, FileVerdict, Verdict } from "./compat-finding.ts";
/** Judges native files for one host and one runtime, for `check`, `doctor` and every start. */
export { createJudge, type Judge } from "./judge-files.ts";
/** Derives what the files of a release need from a host, for the manifest. */
export { deriveRequires, type ShippedFile } from "./requires.ts";
/** The one judgement of files that were made for another platform, another runtime or a graphics card. */
export {
  findAccelerated,
  foreignTo,
  passOverForeign,
  type Foreign,
  type LibraryFile,
  type LoadPlace,
} from "./foreign/index.ts";
export { isAddon } from "./rules/registration.ts";
/** GANTRY_SKIP: turns errors with the listed codes into warnings. */
export { downgrade, downgradeVerdict, parseSkip } from "./skip.ts";
