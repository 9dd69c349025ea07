/**
 * The door of the mirror room, which fetches bundles from mirrors and pushes them to registries: everything that other
 * rooms may use. fetch.ts and archive.ts are imported directly and on demand, because most starts need no network.
 */
/** Limits and environment of requests. */
export { LIMITS, type Limits, type Network } from "./http/request.ts";
/** `fetchImage` finds the digest of a container image's tag, for `gantry docker`. */
export { fetchImage, type FoundImage } from "./registry/image.ts";
/** `pushBundles` pushes bundles to an OCI registry, for `gantry bundle --push`. */
export { parsePushAddress, pushBundles } from "./registry/upload-artifacts.ts";
