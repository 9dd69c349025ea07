/** The door of build/release: puts a release together from its parts and describes it, in its manifest and to people. */
export { assembleRelease } from "./assemble.ts";
export { describeExternals, describeRelease, withUnavailable } from "./describe-release.ts";
/** What the release's native files ask of a host. */
export { readRequires } from "./requires.ts";
export { formatSummary, type ReleaseSummary } from "./table.ts";
