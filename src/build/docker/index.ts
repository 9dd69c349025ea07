/** The door of build/docker: writes a Dockerfile and its companions for a release, and pins base images by digest. */
export { writeImageFiles, type DockerOptions, type WrittenImage } from "./docker.ts";
export { readBaseDigests, type Digests, type PinOptions } from "./pin.ts";
export { STRATEGIES, type Strategy } from "./strategy.ts";
