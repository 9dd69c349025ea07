/**
 * The door of build/docker: writes a Dockerfile and its companions for a release, and asks for the digests of base
 * images.
 */
export { writeImageFiles, type DockerOptions, type WrittenImage } from "./docker.ts";
export { readBaseDigests, type Digests, type PinOptions } from "./pin.ts";
export { STRATEGIES, type Strategy } from "./strategy.ts";
