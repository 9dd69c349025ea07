/** Facts about a host and its libraries: what `doctor --json` writes and `gantry check --host` reads. */
import * as v from "valibot";
import type { CapturedHost, DirectoryFacts, HostFacts, RuntimeFacts } from "../../../src/host/index.ts";
import { agree } from "./agree.ts";
import { described, text, texts, whole } from "./findings.ts";

/** A known value with its source, or unknown with the reason. */
const fact = <S extends v.GenericSchema>(value: S) =>
  v.variant("known", [
    v.object({ known: v.literal(true), value, from: described(text, "where it was read") }),
    v.object({ known: v.literal(false), why: text }),
  ]);

const family = v.picklist(["glibc", "musl"]);
const bytes = described(whole, "bytes");

const DirectorySchema = agree<DirectoryFacts>()(
  v.object({
    path: text,
    mountPoint: text,
    fileSystem: text,
    noexec: v.boolean(),
    readOnly: v.boolean(),
    freeBytes: described(fact(whole), "bytes that an unprivileged process may still write"),
    uid: fact(whole),
    mode: described(fact(whole), "permission bits"),
  }),
);

const level = described(
  v.exactOptional(v.picklist([1, 2, 3, 4])),
  "x86-64-v1 to v4; missing on other machines",
);
export const HostFactsSchema = agree<HostFacts>()(
  v.object({
    schema: v.literal(1),
    arch: described(fact(text), "as npm calls it: x64, arm64"),
    system: described(fact(v.object({ id: text, version: text, name: text })), "of os-release(5)"),
    libc: described(
      fact(v.object({ family, version: text })),
      "the C library that this host's own programs use",
    ),
    loaders: v.array(v.object({ path: text, family, version: fact(text), arch: text })),
    search: described(
      v.object({
        libraryPath: texts,
        preload: texts,
        cache: fact(v.array(v.object({ name: text, path: text }))),
        conf: fact(texts),
        systemDirs: fact(texts),
        muslPath: fact(texts),
      }),
      "where a loader looks for libraries (ld.so(8))",
    ),
    cpu: fact(v.object({ features: texts, level })),
    kernel: fact(text),
    pageSize: described(fact(whole), "bytes"),
    directories: v.array(DirectorySchema),
  }),
);

export const RuntimeFactsSchema = agree<RuntimeFacts>()(
  v.object({
    kind: v.picklist(["bun", "node", "unknown"]),
    path: text,
    version: fact(text),
    abi: described(fact(whole), "NODE_MODULE_VERSION"),
    napi: described(fact(whole), "the newest Node-API version that it knows"),
  }),
);

export const CapturedLibrarySchema = v.object({
  kind: v.literal("elf"),
  bits: v.picklist([32, 64]),
  machine: described(whole, "e_machine (elf(5))"),
  type: described(whole, "e_type (elf(5))"),
  osabi: whole,
  interpreter: v.exactOptional(text),
  soname: v.exactOptional(text),
  needed: texts,
  rpath: texts,
  runpath: texts,
  flags1: described(whole, "DT_FLAGS_1"),
  tlsSize: bytes,
  tlsAlign: bytes,
  staticTls: v.boolean(),
  executableStack: v.boolean(),
  isaLevel: v.exactOptional(whole),
  versionNeeds: v.array(
    v.object({ library: text, versions: v.array(v.object({ name: text, weak: v.boolean(), index: whole })) }),
  ),
  versionDefinitions: texts,
  exports: described(text, "one `name` or `name@VERSION` a line, raw deflate, base64"),
});

const CapturedFileSchema = v.variant("kind", [
  CapturedLibrarySchema,
  v.object({ kind: v.literal("malformed"), offset: whole, reason: text }),
  v.object({
    kind: v.literal("foreign"),
    os: v.picklist(["darwin", "win32"]),
    arches: texts,
    what: text,
  }),
  v.object({ kind: v.literal("other"), what: text }),
]);

/** The parts of doctor's `host` that `check --host` needs. */
export const CAPTURED_HOST = {
  schema: v.literal(1),
  facts: HostFactsSchema,
  libraries: described(v.record(text, CapturedFileSchema), "by their real paths"),
  links: described(v.record(text, text), "other paths of the same files"),
  runtime: v.exactOptional(
    v.object({ facts: RuntimeFactsSchema, file: CapturedLibrarySchema, stubs: texts }),
  ),
};
agree<CapturedHost>()(v.object(CAPTURED_HOST));
