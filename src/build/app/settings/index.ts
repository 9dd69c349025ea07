/** The door of build/app/settings: the `"gantry"` key of package.json, its schema and what is wrong with a value. */
export type { BuildSettings } from "./build.ts";
export { nearest, show } from "./findings.ts";
export { readExternals, type ExternalChoice } from "./packages.ts";
export { checkSettings, parseSettings } from "./parse.ts";
export { nodeFor } from "./runtime.ts";
export type { Settings } from "./settings.ts";
