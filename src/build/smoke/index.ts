/**
 * The door of build/smoke: starts a finished release as a host would, and says what keeps it from starting. A build
 * that ends well has made a release that starts.
 */
export { isolationOnce, type Isolation } from "./isolation.ts";
export { describeStart, type ReleaseStart, type StartOutcome } from "./start-outcome.ts";
export { startRelease } from "./start-release.ts";
