/**
 * The door of the host room: facts about a machine and about a runtime, read from files alone. It judges nothing.
 * Every fact says where it was read, or why it is unknown.
 */
/** Captures this host and its runtime for `doctor --json` and for programs. */
export { captureScene } from "./capture-scene.ts";
/** Facts of another host, as `doctor --json` writes them and `check --host` reads them. */
export { capturedRuntime, capturedView, parseCapturedHost, type CapturedHost } from "./captured.ts";
export { findMount, readDirectory, readMounts, type Mount } from "./directory.ts";
export {
  valueOf,
  type CacheEntry,
  type CpuFacts,
  type DirectoryFacts,
  type Fact,
  type HostFacts,
  type LibcFamily,
  type RuntimeFacts,
  type RuntimeKind,
} from "./host-facts.ts";
export { openSource, withNativeFile } from "./file-source.ts";
/** Facts and libraries of this machine, or of an unpacked image. */
export { readHost } from "./host.ts";
export type { HostLibrary, HostView, LibraryFacts } from "./libraries/library.ts";
/** Reads version, ABI and exports of a Node, a Bun or a compiled app from its executable. */
export { readRuntime, type OwnVersions, type RuntimeView } from "./runtime/runtime.ts";
