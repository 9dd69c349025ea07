/** The reader against images whose every byte is known, and against real modules of the development tools. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../../src/elf/bytes.ts";
import { guarded, isPie, readNativeFile, type ElfFile } from "../../../src/elf/elf-file.ts";
import { elfImage } from "../../support/elf/elf-image.mjs";

function parse(image: Uint8Array): ElfFile {
  const file = readNativeFile(bytesSource(image));
  if (file.kind !== "elf") throw new Error(`not read: ${JSON.stringify(file)}`);
  return file;
}

const FORMS = [
  { bits: 64, little: true },
  { bits: 64, little: false },
  { bits: 32, little: true },
  { bits: 32, little: false },
] as const;

describe("readNativeFile", () => {
  it.each(FORMS)("reads names, versions and symbols of $bits bit, little endian $little", (form) => {
    const file = parse(
      elfImage({
        ...form,
        base: 0x40_0000,
        soname: "libown.so.1",
        needed: ["libc.so.6", "libm.so.6"],
        rpath: "/opt/a:/opt/b",
        runpath: "$ORIGIN",
        interpreter: "/lib/ld.so.1",
        weakVersions: ["GLIBC_2.99"],
        symbols: [
          { name: "memcpy", version: "libc.so.6:GLIBC_2.14" },
          { name: "new_thing", version: "libc.so.6:GLIBC_2.99" },
          { name: "sin", version: "libm.so.6:GLIBC_2.29", relocation: "got" },
          { name: "perhaps", weak: true },
          { name: "first", defined: true, version: "OWN_1" },
          { name: "second", defined: true },
        ],
      }),
    );
    expect(file).toMatchObject({
      ...form,
      soname: "libown.so.1",
      needed: ["libc.so.6", "libm.so.6"],
      rpath: ["/opt/a", "/opt/b"],
      runpath: ["$ORIGIN"],
      interpreter: "/lib/ld.so.1",
    });
    const needs = file.versionNeeds().map(({ library, versions }) => ({
      library,
      versions: versions.map(({ name, weak }) => (weak ? `${name} weak` : name)),
    }));
    expect(needs).toEqual([
      { library: "libc.so.6", versions: ["GLIBC_2.14", "GLIBC_2.99 weak"] },
      { library: "libm.so.6", versions: ["GLIBC_2.29"] },
    ]);
    expect(file.versionDefinitions()).toEqual(["OWN_1"]);
    const imports = new Map(file.imports().map((wanted) => [wanted.name, wanted]));
    expect(imports.get("memcpy")).toMatchObject({ version: "GLIBC_2.14", library: "libc.so.6", weak: false });
    expect(imports.get("perhaps")).toMatchObject({ version: undefined, weak: true });
    expect([...imports.keys()].toSorted()).toEqual(["memcpy", "new_thing", "perhaps", "sin"]);
    expect(file.exports().names().toSorted()).toEqual(["first@OWN_1", "second"]);
  });

  it.each(["gnu", "sysv"] as const)("finds exports through a %s hash table", (hash) => {
    const names = Array.from({ length: 40 }, (_, index) => `export_${index}`);
    const symbols = names.map((name) => ({ name, defined: true }));
    const exports = parse(elfImage({ hash, symbols: [{ name: "taken" }, ...symbols] })).exports();
    expect(names.filter((name) => !exports.has(name))).toEqual([]);
    expect(["taken", "export_40", ""].filter((name) => exports.has(name))).toEqual([]);
    expect(exports.names().toSorted()).toEqual(names.toSorted());
  });

  it("takes a version as glibc does: the wanted one, or a definition without any", () => {
    const exports = parse(
      elfImage({
        symbols: [
          { name: "both", defined: true, version: "V_1" },
          { name: "old", defined: true, version: "V_2", hidden: true },
          { name: "plain", defined: true },
        ],
      }),
    ).exports();
    expect(exports.has("both", "V_1")).toBe(true);
    expect(exports.has("both", "V_2")).toBe(false);
    expect(exports.has("both")).toBe(true);
    expect(exports.has("old", "V_2")).toBe(true);
    expect(exports.has("plain", "V_9")).toBe(true);
  });

  it("finds imports in a file that exports nothing and has no hash table", () => {
    const file = parse(elfImage({ hash: "none", symbols: [{ name: "alone", relocation: "data" }] }));
    expect(file.imports().map(({ name, use }) => ({ name, use }))).toEqual([{ name: "alone", use: "eager" }]);
    expect(file.exports().has("alone")).toBe(false);
  });

  it.each([
    { what: "a slot without flags", relocation: "slot", use: "lazy" },
    { what: "a slot under DF_BIND_NOW", relocation: "slot", flags: 8, use: "eager" },
    { what: "a slot under DF_1_NOW", relocation: "slot", flags1: 1, use: "eager" },
    { what: "an entry of the offset table", relocation: "got", use: "eager" },
    { what: "a pointer in data", relocation: "data", use: "eager" },
  ] as const)("binds $what $use", ({ relocation, use, ...options }) => {
    const file = parse(elfImage({ ...options, symbols: [{ name: "wanted", relocation }] }));
    expect(file.imports()[0]?.use).toBe(use);
  });

  it.each([62, 183])("reads how an addon of machine %i registers", (machine) => {
    const addon = parse(
      elfImage({
        machine,
        symbols: [{ name: "node_module_register" }, { name: "node_register_module_v108", defined: true }],
        nodeModule: { version: 115, filename: "../src/addon.cc", name: "addon" },
      }),
    ).addon();
    expect(addon).toMatchObject({
      abiConstructor: true,
      abiVersion: 115,
      abiSymbols: [108],
      napiSymbol: false,
    });
  });

  it.each([
    { what: "mov eax", machine: 62, code: [0xb8, 9, 0, 0, 0, 0xc3], version: 9 },
    {
      what: "mov eax behind endbr64 and a frame",
      machine: 62,
      code: [0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0xb8, 0xff, 0xff, 0xff, 0x7f, 0x5d, 0xc3],
      version: 0x7fff_ffff,
    },
    { what: "a call", machine: 62, code: [0xe8, 9, 0, 0, 0, 0xc3], version: undefined },
    // mov w0, #8; ret
    { what: "mov w0", machine: 183, code: [0x00, 0x01, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6], version: 8 },
  ])("reads the Node-API version out of $what", ({ machine, code, version }) => {
    const symbols = [
      { name: "napi_register_module_v1", defined: true },
      { name: "node_api_module_get_api_version_v1", defined: true, code: Uint8Array.from(code) },
    ];
    expect(parse(elfImage({ machine, symbols })).addon()).toMatchObject({
      napiSymbol: true,
      napiVersion: version,
    });
  });

  it("reads thread-local storage, stack, level and packing", () => {
    const file = parse(
      elfImage({
        tlsSize: 100,
        tlsAlign: 16,
        ownTls: true,
        flags: 16,
        stack: "executable",
        isaLevel: 3,
        packed: true,
      }),
    );
    expect(file).toMatchObject({
      tlsSize: 100,
      tlsAlign: 16,
      staticTls: true,
      executableStack: true,
      isaLevel: 3,
      packedRelocations: true,
    });
    expect(file.ownStaticTls()).toBe("");
    expect(parse(elfImage({ stack: "none" })).executableStack).toBe(true);
    expect(isPie(parse(elfImage({ flags1: 0x0800_0000 })))).toBe(true);
  });

  it("answers a value, never a throw, for every shorter version of a file", () => {
    const image = elfImage({
      needed: ["libc.so.6"],
      symbols: [
        { name: "memcpy", version: "libc.so.6:GLIBC_2.14" },
        { name: "out", defined: true },
      ],
      nodeModule: { version: 115, filename: "a.cc", name: "a" },
    });
    const kinds = new Set<string>();
    for (let length = 0; length < image.length; length += 1) {
      const file = readNativeFile(bytesSource(image.subarray(0, length)));
      kinds.add(file.kind);
      if (file.kind === "elf")
        guarded(() => [file.addon(), file.exports().names(), file.versionDefinitions()]);
    }
    expect(kinds.has("malformed")).toBe(true);
  });

  it.each([
    { at: 4, byte: 9, reason: /class 9/, offset: 4 },
    { at: 5, byte: 3, reason: /byte order 3/, offset: 5 },
    { at: 6, byte: 0, reason: /version 0/, offset: 6 },
    { at: 54, byte: 55, reason: /program headers of 55 bytes/, offset: 54 },
    { at: 57, byte: 0xff, reason: /program headers/, offset: 56 },
    { at: 39, byte: 0xff, reason: /program header table lies outside/, offset: 0xff * 2 ** 56 + 64 },
  ])("says what is wrong at byte $at and where", ({ at, byte, reason, offset }) => {
    const image = elfImage();
    image[at] = byte;
    const file = readNativeFile(bytesSource(image));
    expect(file).toMatchObject({ kind: "malformed", offset });
    expect(file.kind === "malformed" && file.reason).toMatch(reason);
  });
});

const REAL = fileURLToPath(new URL("../../../", import.meta.url)).concat(
  "node_modules/lightningcss-linux-x64-gnu/lightningcss.linux-x64-gnu.node",
);

describe.skipIf(!existsSync(REAL))(
  "a real module (skipped where npm installed no linux-x64-gnu build)",
  () => {
    it("is a Node-API module for glibc, as its package says", () => {
      const file = parse(readFileSync(REAL));
      expect(file.needed).toContain("libc.so.6");
      expect(file.addon()).toMatchObject({ napiSymbol: true, abiConstructor: false });
      expect(file.imports().map(({ name }) => name)).toContain("napi_create_function");
      const libc = file.versionNeeds().find(({ library }) => library === "libc.so.6");
      expect(libc?.versions.every(({ name }) => /^GLIBC_2\.\d+(\.\d+)?$/.test(name))).toBe(true);
    });
  },
);
