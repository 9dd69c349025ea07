/** The door of the mirror room: what others may use of it. */
/** Requests with limits. */
export { LIMITS, type Limits, type Network } from "./http/request.ts";
/** Which image a tag stands for today. */
export { fetchImage, type FoundImage } from "./registry/image.ts";
/** Puts bundles into an OCI registry, one artifact for each target, under one tag. */
export { parsePushAddress, pushBundles } from "./registry/push.ts";
