/**
 * The door of build/release: puts a release together from its parts, and describes it in its manifest and for people.
 */
export { assembleRelease } from "./assemble.ts";
export { describeExternals, describeRelease, withUnavailable } from "./describe-release.ts";
/** Reads what the release's native files need from a host, for the manifest. */
export { readRequires } from "./read-requires.ts";
export { bytesOf, formatSummary, type ReleaseSummary } from "./summary-table.ts";
