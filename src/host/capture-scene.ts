/**
 * A host and the program that loads modules there, as one document: what `./gantry doctor --json` writes as `host`, and
 * what `gantry check --host` reads.
 */
import { captureHost, type CapturedHost } from "./captured.ts";
import { withNativeFile } from "./file-source.ts";
import type { HostView } from "./libraries/library.ts";
import { hostRoot } from "./root.ts";
import type { RuntimeView } from "./runtime/runtime.ts";
import { readStubs } from "./runtime/libuv-stubs.ts";

/** Reads host, program, and every library that a module could load. Takes up to some seconds. */
export function captureScene({
  host,
  runtime,
}: {
  readonly host: HostView;
  readonly runtime: RuntimeView;
}): CapturedHost {
  const stubs = withNativeFile(runtime.facts.path, (file) => (file.kind === "elf" ? readStubs(file) : []));
  return captureHost(host, hostRoot().list, { ...runtime, stubs });
}
