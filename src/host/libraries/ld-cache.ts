/**
 * Parses /etc/ld.so.cache (glibc elf/cache.c, dl-cache.h): the list in which the loader finds libraries that no RPATH,
 * RUNPATH or LD_LIBRARY_PATH gives. Supports the 1.1 format, alone or after the old one.
 */
import type { CacheEntry } from "../host-facts.ts";

const OLD_MAGIC = "ld.so-1.7.0";
const NEW_MAGIC = "glibc-ld.so.cache1.1";
const OLD_ENTRY = 12;
const NEW_HEADER = 48;
const NEW_ENTRY = 24;

/**
 * Flags of the cache's entries, by npm-style machine. The low byte 3 means an ELF library for libc 6. The second byte
 * is the machine's variant (sysdeps/generic/ldconfig.h).
 */
const FLAGS: Readonly<Record<string, readonly number[]>> = {
  x64: [0x0303],
  arm64: [0x0a03],
  s390x: [0x0403],
  ppc64: [0x0503, 0x0003],
  riscv64: [0x1003, 0x0003],
  loong64: [0x1203, 0x0003],
  arm: [0x0903, 0x0b03, 0x0003],
  ia32: [0x0003],
};

/** Entries for `arch` in file order. Undefined when the bytes are not a cache or are damaged. */
export function parseLdCache(bytes: Uint8Array, arch: string): CacheEntry[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = (start: number, length: number): string => buffer.toString("latin1", start, start + length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let base = 0;
  if (text(0, OLD_MAGIC.length) === OLD_MAGIC && bytes.length >= 16) {
    // The old table's entries follow its count; the new table starts at the next multiple of 8.
    base = Math.ceil((16 + view.getUint32(12, true) * OLD_ENTRY) / 8) * 8;
  }
  if (text(base, NEW_MAGIC.length) !== NEW_MAGIC || base + NEW_HEADER > bytes.length) return undefined;
  const count = view.getUint32(base + NEW_MAGIC.length, true);
  if (base + NEW_HEADER + count * NEW_ENTRY > bytes.length) return undefined;
  const wanted = FLAGS[arch] ?? [];
  const entries: CacheEntry[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = base + NEW_HEADER + index * NEW_ENTRY;
    if (!wanted.includes(view.getUint32(at, true))) continue;
    const name = stringAt(buffer, base + view.getUint32(at + 4, true));
    const path = stringAt(buffer, base + view.getUint32(at + 8, true));
    if (name === undefined || path === undefined) return undefined;
    entries.push({ name, path });
  }
  return entries;
}

function stringAt(bytes: Buffer, start: number): string | undefined {
  const end = bytes.indexOf(0, start);
  if (start >= bytes.length || end < 0 || end - start > 4096) return undefined;
  return bytes.toString("latin1", start, end);
}
