/** The door of build/app/tools: the Bun and the npm that a build uses. */
/** Fetches Bun from the registry when the machine has none, for apps that run on Node. */
export { bunFetcher } from "./fetch-bun.ts";
export { findBun, type Bun } from "./find-bun.ts";
export { findNpms } from "./find-npm.ts";
