/**
 * The door of the check room: `gantry check` for the command line, and its report for programs. It reads files and
 * runs none.
 */
export { runCheck } from "./check.ts";
