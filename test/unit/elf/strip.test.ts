/** What is cut off a program, over images whose every byte is known: all that is mapped stays, and doubt changes nothing. */
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../../src/elf/bytes.ts";
import { readNativeFile } from "../../../src/elf/elf-file.ts";
import { planStrip } from "../../../src/elf/strip.ts";
import { elfImage } from "../../support/elf/elf-image.mjs";
import { sectionsOf, TYPE, withSections, type SectionSpec } from "../../support/elf/sections.ts";

const IMAGE = elfImage({
  type: 2,
  base: 0x40_0000,
  interpreter: "/lib64/ld-linux-x86-64.so.2",
  needed: ["libc.so.6"],
  symbols: [
    { name: "memcpy", version: "libc.so.6:GLIBC_2.14" },
    { name: "napi_create_object", defined: true },
  ],
});

const filled = (length: number) => new Uint8Array(length).fill(0xaa);

const MAPPED: readonly SectionSpec[] = [
  { name: ".dynsym", type: TYPE.DYNSYM, flags: 2, offset: 0x200, size: 0x48, link: 2, info: 1, align: 8 },
  { name: ".dynstr", type: TYPE.STRTAB, flags: 2, offset: 0x280, size: 0x20 },
  { name: ".rela.plt", type: TYPE.RELA, flags: 0x42, offset: 0x2a0, size: 0x18, link: 1, info: 4, align: 8 },
  { name: ".got", type: TYPE.PROGBITS, flags: 3, offset: 0x2c0, size: 8, align: 8 },
  // Its place is wherever the file's part of the segment ends, and it has no bytes there.
  { name: ".bss", type: TYPE.NOBITS, flags: 3, offset: IMAGE.length, size: 1 << 20, align: 32 },
];
const LOOSE: readonly SectionSpec[] = [
  { name: ".comment", type: TYPE.PROGBITS, flags: 0x30, body: filled(19) },
  { name: ".gnu.build.attributes", type: TYPE.NOTE, body: filled(36), align: 4 },
  { name: ".debug_info", type: TYPE.PROGBITS, body: filled(1001) },
  { name: ".symtab", type: TYPE.SYMTAB, body: filled(480), link: 10, info: 3, align: 8 },
  { name: ".strtab", type: TYPE.STRTAB, body: filled(77) },
];

const plan = (file: Uint8Array) => planStrip(bytesSource(file));

/** What the plan makes of the file; the file itself when there is none. */
function strip(file: Uint8Array): Uint8Array {
  const made = plan(file);
  if (made === undefined) return file;
  const out = Buffer.concat([file.subarray(0, made.kept), made.tail]);
  out.set(made.header);
  return out;
}

/** A copy with a field of another value. */
function patched(file: Uint8Array, at: number, value: number, size: 2 | 4 | 8): Uint8Array {
  const out = Buffer.from(file);
  if (size === 8) out.writeBigUInt64LE(BigInt(value), at);
  else out.writeUIntLE(value, at, size);
  return out;
}

describe("planStrip", () => {
  const whole = withSections(IMAGE, [...MAPPED, ...LOOSE]);

  it("leaves what is mapped where it was, and drops the rest", () => {
    const stripped = strip(whole);
    expect(stripped.length).toBeLessThan(whole.length - 1001 - 480 - 77);
    // Between the ELF header, which says where the section table is, and the end of the only segment.
    expect(Buffer.compare(stripped.subarray(64, IMAGE.length), IMAGE.subarray(64))).toBe(0);
    // All of the header but place, length and names of the section table.
    for (const [from, to] of [
      [0, 40],
      [48, 60],
    ] as const)
      expect(stripped.subarray(from, to)).toEqual(Buffer.from(whole.subarray(from, to)));
  });

  it("keeps the table of what is mapped, with its numbers", () => {
    const before = sectionsOf(whole);
    const after = sectionsOf(strip(whole));
    expect(after.slice(0, -1)).toEqual(before.slice(0, MAPPED.length));
    expect(after.at(-1)).toMatchObject({ name: ".shstrtab", type: TYPE.STRTAB, flags: 0 });
  });

  it("means the same to gantry's own reader", () => {
    const [before, after] = [whole, strip(whole)].map((file) => {
      const read = readNativeFile(bytesSource(file));
      if (read.kind !== "elf") throw new Error("not read");
      const names = [...read.imports().map(({ name }) => name), ...read.exports().names()];
      return { needed: read.needed, needs: JSON.stringify(read.versionNeeds()), names };
    });
    expect(before).toMatchObject({ needed: ["libc.so.6"], names: ["memcpy", "napi_create_object"] });
    expect(after).toEqual(before);
  });

  it("makes the same bytes every time, and has nothing left to do with them", () => {
    expect(Buffer.compare(strip(whole), strip(whole))).toBe(0);
    expect(plan(strip(whole))).toBeUndefined();
  });

  it("does it to libraries too, and without debugging data", () => {
    const text = { name: ".text", type: TYPE.PROGBITS, flags: 6, offset: 0x200, size: 0x20 };
    const library = withSections(elfImage({ soname: "libown.so" }), [text, ...LOOSE.slice(3)]);
    expect(sectionsOf(strip(library)).map(({ name }) => name)).toEqual([".text", ".shstrtab"]);
  });
});

describe("planStrip leaves a file as it is", () => {
  const whole = withSections(IMAGE, [...MAPPED, ...LOOSE]);
  const table = Number(Buffer.from(whole).readBigUInt64LE(40));
  const record = (index: number) => table + index * 64;
  const without = (...names: string[]) => LOOSE.filter(({ name }) => !names.includes(name));
  const big = elfImage({ little: false });

  it.each<[string, Uint8Array]>([
    ["without section headers", IMAGE],
    ["that is stripped already", withSections(IMAGE, MAPPED)],
    ["with nothing but a compiler's name to drop", withSections(IMAGE, [...MAPPED, ...LOOSE.slice(0, 1)])],
    ["with data behind the section table", Buffer.concat([whole, Buffer.from("payload")])],
    ["with zeros behind the section table", Buffer.concat([whole, Buffer.alloc(4)])],
    [
      "with a section that some other program reads",
      withSections(IMAGE, [...MAPPED, ...LOOSE, { name: ".note.stapsdt", type: TYPE.NOTE, body: filled(8) }]),
    ],
    [
      "with bytes between two sections that are in neither",
      patched(whole, record(MAPPED.length + 1) + 32, 12, 8),
    ],
    [
      "with a mapped section behind those that are not",
      withSections(IMAGE, [
        ...MAPPED.slice(0, 4),
        ...LOOSE,
        { ...MAPPED[4], name: ".bss", type: TYPE.NOBITS },
      ]),
    ],
    [
      "with an unmapped section among the mapped ones",
      withSections(IMAGE, [
        { name: ".debug_line", type: TYPE.PROGBITS, body: filled(9) },
        ...MAPPED,
        ...LOOSE,
      ]),
    ],
    [
      "whose mapped section refers to one that would go",
      patched(whole, record(3) + 44, MAPPED.length + 2, 4),
    ],
    ["whose mapped section is linked to one that would go", patched(whole, record(1) + 40, 10, 4)],
    ["whose symbol table lies in a segment", patched(whole, record(MAPPED.length + 4) + 24, 0x200, 8)],
    ["whose sections overlap", patched(whole, record(MAPPED.length + 4) + 24, IMAGE.length + 60, 8)],
    [
      // As postject writes a single executable application: its data is mapped, behind everything else.
      "with a segment behind the sections",
      patched(whole, 64 + 32, whole.length, 8),
    ],
    ["without a segment to load", patched(whole, 64, 0, 4)],
    ["whose program headers are no program headers", patched(whole, 54, 55, 2)],
    ["whose names are in no section", patched(whole, 62, 99, 2)],
    ["whose sections are of another size", patched(whole, 58, 40, 2)],
    ["whose section table lies outside", patched(whole, 40, whole.length, 8)],
    ["that is an object file", patched(whole, 16, 1, 2)],
    ["of 32 bits", elfImage({ bits: 32 })],
    ["of the other byte order", big],
    ["that is no ELF file", Buffer.from("#!/bin/sh\necho no\n")],
    ["that is empty", new Uint8Array()],
  ])("%s", (_, file) => {
    expect(plan(file)).toBeUndefined();
  });

  it("has an original that is not left alone", () => {
    expect(plan(whole)).toBeDefined();
    expect(plan(withSections(IMAGE, [...MAPPED, ...without(".comment")]))).toBeDefined();
  });

  it("that ends too early, wherever", () => {
    for (let length = 0; length < whole.length; length += 1) {
      expect(plan(whole.subarray(0, length)), `${length} bytes`).toBeUndefined();
    }
  });

  it("whatever byte of its headers is wrong, it loses no mapped byte", () => {
    const places = [
      ...Array.from({ length: 64 + 56 }, (_, at) => at),
      ...Array.from({ length: 64 * 12 }, (_, at) => table + at),
    ];
    for (const at of places) {
      for (const flip of [1, 0x80, 0xff]) {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        const made = plan(damaged);
        if (made === undefined) continue;
        // The damage may be in the segment's own size: then the file is not mapped as far as it was.
        const mapped = at >= 64 + 32 && at < 64 + 40 ? 0 : IMAGE.length;
        expect(made.kept, `byte ${at} ^ ${flip}`).toBeGreaterThanOrEqual(mapped);
      }
    }
  });
});
