/**
 * The door of the trust room, which finds files and directories that other users could change before they are run. Host
 * side and build side use it.
 */
export { trustFinding, unsafeLine } from "./finding.ts";
export { readPrincipal } from "./principal.ts";
export { readUnsafeProgram } from "./program.ts";
export { readUnsafe, type Unsafe, type Wanted } from "./read.ts";
