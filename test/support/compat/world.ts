/**
 * A runtime on a host, both written down, and one file to judge there: what the tests of the rules share. The
 * answers that they expect follow from ld.so(8), musl's loader or Node's source, not from a measurement.
 */
import { createJudge } from "../../../src/compat/judge-files.ts";
import { bytesSource } from "../../../src/elf/bytes.ts";
import { readNativeFile, type ElfFile, type NativeFile } from "../../../src/elf/elf-file.ts";
import type { HostFacts } from "../../../src/host/host-facts.ts";
import type { RuntimeView } from "../../../src/host/runtime/runtime.ts";
import { elfImage, type ImageOptions } from "../elf/elf-image.mjs";
import { hostLiteral, known } from "./host-literal.mjs";

export function read(bytes: Uint8Array): NativeFile {
  return readNativeFile(bytesSource(bytes));
}

export function elf(options: ImageOptions): ElfFile {
  const file = read(elfImage(options));
  if (file.kind !== "elf") throw new Error("the image is broken");
  return file;
}

export const GLIBC = "/lib64/ld-linux-x86-64.so.2";
export const MUSL = "/lib/ld-musl-x86_64.so.1";
export const NAPI = { name: "napi_register_module_v1", defined: true };

/** A libc with the versions that the tests ask for. */
export const LIBC = elfImage({
  soname: "libc.so.6",
  symbols: [
    { name: "memcpy", defined: true, version: "GLIBC_2.14" },
    { name: "malloc", defined: true, version: "GLIBC_2.2.5" },
  ],
});

export interface World {
  readonly files?: Record<string, Uint8Array>;
  readonly facts?: HostFacts;
  readonly runtime?: Partial<RuntimeView["facts"]>;
  readonly runtimeImage?: ImageOptions;
  readonly stubs?: readonly string[];
}

export function runtimeOf({ runtime = {}, runtimeImage = {}, stubs = [] }: World): RuntimeView {
  return {
    file: elf({
      interpreter: GLIBC,
      needed: ["libc.so.6"],
      symbols: [{ name: "napi_create_function", defined: true }],
      ...runtimeImage,
    }),
    facts: {
      kind: "node",
      path: "/usr/bin/node",
      version: known("22.0.0"),
      abi: known(127),
      napi: known(9),
      ...runtime,
    },
    isStub: (name) => stubs.includes(name),
  };
}

export function judge(image: ImageOptions | Uint8Array, world: World = {}, path = "/app/addon.node") {
  const files = {
    [GLIBC]: elfImage({ soname: "ld-linux-x86-64.so.2" }),
    "/lib/libc.so.6": LIBC,
    ...world.files,
  };
  const host = hostLiteral(read, files, world.facts);
  const bytes =
    image instanceof Uint8Array ? image : elfImage({ needed: ["libc.so.6"], symbols: [NAPI], ...image });
  const verdict = createJudge(host, runtimeOf(world)).judge({ path, file: read(bytes) });
  return {
    verdict: verdict.verdict,
    codes: verdict.findings.map(({ code }) => code),
    findings: verdict.findings,
  };
}
