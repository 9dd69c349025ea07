/** The door of build/docker: writes a Dockerfile and its companions for a release, with base images pinned by digest. */
export { writeImageFiles, type DockerOptions, type WrittenImage } from "./docker.ts";
export { readBaseDigests, type Digests, type PinOptions } from "./pin.ts";
export { STRATEGIES, type Strategy } from "./strategy.ts";
