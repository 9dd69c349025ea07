/** The door of this room: who else could change what is about to be run? */
export { trustFinding, unsafeLine } from "./finding.ts";
export { readPrincipal } from "./principal.ts";
export { readUnsafeProgram } from "./program.ts";
export { readUnsafe, type Unsafe, type Wanted } from "./read.ts";
