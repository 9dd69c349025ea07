/**
 * The door of build/lockfile: writes the package.json and bun.lock of a release, with the exact versions of the app's
 * lockfile.
 */
export { writeReleaseLock, type ReleaseLock } from "./release-lockfile.ts";
export { availableClosure, writeLockFiles } from "./target-lockfile.ts";
