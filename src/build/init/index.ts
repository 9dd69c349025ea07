/** The door of build/init: proposes an app's settings from what the app says about itself, and writes them. */
export { formatProposal, initApp, type InitOptions, type InitResult } from "./init.ts";
