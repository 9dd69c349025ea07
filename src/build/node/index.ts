/** The door of build/node: what a release of a Node app consists of, its JavaScript, its Node and its native modules. */
export { buildJavaScript, type BuiltJavaScript } from "./javascript.ts";
export { completeTree, makeNodeProgram, readNode } from "./node-program.ts";
