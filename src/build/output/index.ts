/**
 * The door of build/output: recognises what the builds of frameworks leave, takes it over as it is, and lets the
 * release's own tree bring the native packages of a target.
 */
export { recognizeOutput, type AppOutput } from "./recognize.ts";
export { takeOutput } from "./take.ts";
export { listTraced, withoutNatives } from "./traced.ts";
