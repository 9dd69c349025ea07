/**
 * The door of the host room: facts about a machine and about a runtime, read from files alone. Nothing here judges.
 * Every fact says where it comes from, or why it is not known.
 */
/** Facts of another host, as `doctor --json` writes them. */
export {
  captureHost,
  capturedRuntime,
  capturedView,
  parseCapturedHost,
  type CapturedHost,
} from "./captured.ts";
export { findMount, readDirectory, readMounts, type Mount } from "./directory.ts";
export {
  valueOf,
  type CacheEntry,
  type DirectoryFacts,
  type Fact,
  type HostFacts,
  type LibcFamily,
  type RuntimeFacts,
} from "./host-facts.ts";
export { openSource, withNativeFile } from "./file-source.ts";
/** This machine: its facts and its libraries. */
export { readHost } from "./host.ts";
export type { HostLibrary, HostView, LibraryFacts } from "./library.ts";
/** The directory below which a host's files are looked for: `/`, or where an image is unpacked. */
export { hostRoot } from "./root.ts";
/** A Node, a Bun or a compiled app: its version, its ABI and what it exports. */
export { readRuntime, type OwnVersions, type RuntimeView } from "./runtime.ts";
export { readStubs } from "./libuv-stubs.ts";
