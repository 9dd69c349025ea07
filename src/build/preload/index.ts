/**
 * The door of build/preload: what runs inside the app's own process, before the app or after its crash. It is bundled
 * into releases, so it imports only what is small.
 */
export { runLoadProbe } from "./load-probe.ts";
export { diagnoseCrash } from "./crash-diagnosis.ts";
