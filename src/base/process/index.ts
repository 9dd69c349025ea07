/** The door of the base/process room: starting programs, and facts about this one, for all other rooms. */
/** `readProgramPath` finds a program on the PATH. */
export { readProgramPath } from "./find-program.ts";
/** Runs the host's own programs. */
export { runOrThrow, runProgram, UNIT_PATH } from "./host-program.ts";
/** What a program printed, as the lines of a message. */
export { outputLines } from "./output-lines.ts";
/** `run` runs a program to its end, with limits, and collects what it prints; `abortable` ends it early. */
export { abortable, run, type RunResult, runSync } from "./run.ts";
/** `SELF` and its kin say what the running process is, and act on processes by their id. */
export { isRunning, killProcess, loadNativeFile, readOwnLibc, readOwnUser, SELF } from "./self.ts";
