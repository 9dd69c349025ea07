/** Gives an image of elf-image.mjs what a linker puts behind the mapped part: sections, their names and their table. */

export interface SectionSpec {
  readonly name: string;
  readonly type: number;
  /** sh_flags; 2 is SHF_ALLOC. */
  readonly flags?: number;
  /** Bytes in the image; a section with `body` gets its own behind it. */
  readonly offset?: number;
  readonly size?: number;
  readonly body?: Uint8Array;
  readonly link?: number;
  readonly info?: number;
  readonly align?: number;
}

/** As readelf names them. */
export const TYPE = { PROGBITS: 1, SYMTAB: 2, STRTAB: 3, RELA: 4, NOTE: 7, NOBITS: 8, DYNSYM: 11 } as const;

/** 64 bit, little endian. The names' section is the last one. */
export function withSections(image: Uint8Array, specs: readonly SectionSpec[]): Uint8Array {
  const bytes = [...image];
  const names = ["", ...specs.map(({ name }) => name), ".shstrtab"];
  const text = Buffer.from(names.map((name) => `${name}\0`).join(""));
  const all: readonly SectionSpec[] = [...specs, { name: ".shstrtab", type: TYPE.STRTAB, body: text }];
  const records = [Buffer.alloc(64)];
  for (const spec of all) {
    const { body, align = 1 } = spec;
    if (body !== undefined) while (bytes.length % align !== 0) bytes.push(0);
    const record = Buffer.alloc(64);
    record.writeUInt32LE(text.indexOf(`\0${spec.name}\0`) + 1, 0);
    record.writeUInt32LE(spec.type, 4);
    record.writeBigUInt64LE(BigInt(spec.flags ?? 0), 8);
    record.writeBigUInt64LE(BigInt(body === undefined ? (spec.offset ?? 0) : bytes.length), 24);
    record.writeBigUInt64LE(BigInt(body?.length ?? spec.size ?? 0), 32);
    record.writeUInt32LE(spec.link ?? 0, 40);
    record.writeUInt32LE(spec.info ?? 0, 44);
    record.writeBigUInt64LE(BigInt(align), 48);
    records.push(record);
    bytes.push(...(body ?? []));
  }
  while (bytes.length % 8 !== 0) bytes.push(0);
  const table = bytes.length;
  const out = Buffer.concat([Uint8Array.from(bytes), ...records]);
  out.writeBigUInt64LE(BigInt(table), 40);
  for (const [at, value] of [
    [58, 64],
    [60, records.length],
    [62, records.length - 1],
  ] as const)
    out.writeUInt16LE(value, at);
  return out;
}

export interface SectionRow {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

/** The section table as its header says where it is; the first, empty row is left out. */
export function sectionsOf(file: Uint8Array): SectionRow[] {
  const view = Buffer.from(file.buffer, file.byteOffset, file.length);
  const table = Number(view.readBigUInt64LE(40));
  const rows = Array.from({ length: view.readUInt16LE(60) }, (_, index) => table + index * 64);
  const names = Number(view.readBigUInt64LE((rows[view.readUInt16LE(62)] ?? 0) + 24));
  return rows.slice(1).map((at) => {
    const start = names + view.readUInt32LE(at);
    return {
      name: view.toString("latin1", start, view.indexOf(0, start)),
      type: view.readUInt32LE(at + 4),
      flags: Number(view.readBigUInt64LE(at + 8)),
      offset: Number(view.readBigUInt64LE(at + 24)),
      size: Number(view.readBigUInt64LE(at + 32)),
      link: view.readUInt32LE(at + 40),
      info: view.readUInt32LE(at + 44),
    };
  });
}
