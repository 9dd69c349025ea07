/**
 * The door of build/node: makes the parts of a Node app's release, namely its JavaScript, its Node and its native
 * modules.
 */
export { buildJavaScript, type BuiltJavaScript } from "./javascript.ts";
export { completeTree, makeNodeProgram, readNode } from "./node-program.ts";
