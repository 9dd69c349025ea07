/** The same questions where musl is the loader. */
import { describe, expect, it } from "vitest";
import type { HostFacts } from "../../../src/host/host-facts.ts";
import { elfImage, type ImageOptions } from "../../support/elf/elf-image.mjs";
import { factsLiteral, known } from "../../support/compat/host-literal.mjs";
import { judge, MUSL, NAPI, type World } from "../../support/compat/world.ts";

const facts = (version: string): HostFacts =>
  factsLiteral({ loaders: [{ path: MUSL, family: "musl", version: known(version), arch: "x64" }] });
const muslLibc = elfImage({ symbols: [{ name: "malloc", defined: true }] });
const musl = (extra: World = {}, version = "1.2.5"): World => ({
  facts: facts(version),
  runtimeImage: { interpreter: MUSL, needed: ["libc.musl-x86_64.so.1"] },
  ...extra,
  files: { [MUSL]: muslLibc, ...extra.files },
});

describe("musl", () => {
  const bun = { kind: "bun" as const, version: known("1.4.5") };

  it.each<[string, ImageOptions, World, string, string[]]>([
    ["its own names need no file", { needed: ["libc.so", "libm.so"] }, musl(), "ok", []],
    [
      "versions do not matter",
      { needed: ["libc.so"], symbols: [NAPI, { name: "malloc", version: "libc.so.6:GLIBC_2.99" }] },
      musl(),
      "ok",
      [],
    ],
    ["a glibc module runs by luck", { needed: ["libc.so.6"] }, musl(), "warn", ["LIBC_MISMATCH"]],
    ["Bun 1.4 refuses it", { needed: ["libm.so.6"] }, musl({ runtime: bun }), "fail", ["LIBC_MISMATCH"]],
    [
      "older Bun does not",
      { needed: ["libm.so.6"] },
      musl({ runtime: { ...bun, version: known("1.3.9") } }),
      "warn",
      ["LIBC_MISMATCH"],
    ],
    ["glibc's loader is missing", { needed: ["ld-linux-x86-64.so.2"] }, musl(), "fail", ["LIBC_MISMATCH"]],
    [
      "a missing slot waits",
      { needed: ["libc.so"], symbols: [NAPI, { name: "gone", relocation: "got" }] },
      musl(),
      "warn",
      ["SYMBOL_MISSING"],
    ],
    [
      "not when all is bound at once",
      { needed: ["libc.so"], flags1: 1, symbols: [NAPI, { name: "gone", relocation: "got" }] },
      musl(),
      "fail",
      ["SYMBOL_MISSING"],
    ],
    [
      "a pointer in data does not wait",
      { needed: ["libc.so"], symbols: [NAPI, { name: "gone", relocation: "data" }] },
      musl(),
      "fail",
      ["SYMBOL_MISSING"],
    ],
    ["own initial-exec variables", { needed: ["libc.so"], ownTls: true }, musl(), "fail", ["LIBC_MISMATCH"]],
    [
      "packed relocations",
      { needed: ["libc.so"], packed: true },
      musl({}, "1.2.3"),
      "fail",
      ["LIBC_TOO_OLD"],
    ],
    ["packed relocations later", { needed: ["libc.so"], packed: true }, musl({}, "1.2.4"), "ok", []],
  ])("%s", (_, image, world, verdict, codes) => {
    expect(judge(image, world)).toMatchObject({ verdict, codes });
  });

  it("inherits RUNPATH, which glibc does not", () => {
    const files = {
      "/app/libx.so": elfImage({ needed: ["liby.so"] }),
      "/app/liby.so": elfImage({}),
    };
    expect(judge({ needed: ["libx.so"], runpath: "$ORIGIN" }, musl({ files })).codes).toEqual([]);
  });

  it("takes the first file that opens, whatever machine it is for", () => {
    const files = { "/app/libx.so": elfImage({ machine: 183 }), "/lib/libx.so": elfImage({}) };
    expect(judge({ needed: ["libx.so"], runpath: "$ORIGIN" }, musl({ files })).codes).toEqual([
      "LIBRARY_MISSING",
    ]);
  });
});
