/**
 * The door of build/compile: compiles an app with Bun into one executable that loads its externals from its release.
 */
export { compileApp } from "./compile.ts";
export { nodeEnvOf } from "./defines.ts";
export { traceApp } from "./trace.ts";
