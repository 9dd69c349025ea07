/**
 * The door of the check room: `gantry check` for the command line, and its report for programs. It reads files and
 * runs none.
 */
export { check, type CheckOptions, runCheck } from "./check.ts";
export type { CheckReport } from "./report.ts";
