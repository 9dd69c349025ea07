/**
 * The door of build/preload: code that runs inside the app's own process, before the app or after a crash. It is
 * bundled into releases, so it imports little.
 */
export { runLoadProbe } from "./load-probe.ts";
export { diagnoseCrash } from "./crash-diagnosis.ts";
