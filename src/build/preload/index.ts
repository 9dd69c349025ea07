/**
 * The door of build/preload: what runs inside the app's own process, before the app or after its crash. It is bundled
 * into releases, so it imports nothing but names and types.
 */
export { answerProbe } from "./answer-probe.ts";
export { tellDamage } from "./crash-diagnosis.ts";
