/**
 * The door of build/clues: what an app says about itself to other tools. It gives the defaults of settings that the app
 * leaves out.
 */
export { readDefaults, readStartScript, resolveEntry, type Defaults } from "./defaults.ts";
export { defaultBinary, findBunEntry, findNodeEntry } from "./entry.ts";
export type { Framework } from "./frameworks.ts";
export { OLDEST_NODE, type Told } from "./node-version.ts";
/** Reads commands by which people start an app. */
export { parseStartCommand, parseWords, type StartCommand } from "./start-command.ts";
