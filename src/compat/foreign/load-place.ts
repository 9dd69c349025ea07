/** The place where files would be loaded, and what a foreign file is there. */
import type { RuntimeKind } from "../../host/index.ts";

/** Where files would be loaded: the part of a target, or of a host and its runtime, that a file can contradict. */
export interface LoadPlace {
  readonly os: string;
  readonly arch: string;
  /** Undefined for systems that have one C library. */
  readonly libc?: "gnu" | "musl" | undefined;
  readonly runtime?:
    | {
        readonly kind: RuntimeKind;
        /** NODE_MODULE_VERSION. When it is unknown, no file is foreign for its own. */
        readonly abi?: number | undefined;
      }
    | undefined;
}

export interface Foreign {
  /** Whether it is for another platform, or for another runtime of this platform. */
  readonly kind: "platform" | "runtime";
  /** The end of the sentence "it is …". */
  readonly what: string;
}
