/**
 * Random access to the bytes of one file, and the error that this room throws for damaged files. Memory is bounded:
 * tables are read in blocks through a small page cache, never as a whole file. It opens no file; the caller passes the
 * source of the bytes.
 */

/** A source of bytes. `read` returns fewer bytes than asked for only at the end of the file. */
export interface ByteSource {
  /** Size in bytes. */
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

/** Thrown inside this room only; `readNativeFile` turns it into a value. */
export class MalformedFile extends Error {
  readonly offset: number;
  readonly reason: string;

  constructor(offset: number, reason: string) {
    super(`${reason} (at offset ${offset})`);
    this.name = "MalformedFile";
    this.offset = offset;
    this.reason = reason;
  }
}

export function malformed(offset: number, reason: string): never {
  throw new MalformedFile(offset, reason);
}

/** A source for bytes in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, Math.min(bytes.length, offset + length)),
  };
}

const PAGE_BITS = 13;
const PAGE = 2 ** PAGE_BITS;

/**
 * The index of the page with this offset. Below 2^31 it uses a shift, because division is several times slower before
 * the code is compiled.
 */
function pageOf(offset: number): number {
  return offset >= 0 && offset < 2 ** 31 ? offset >>> PAGE_BITS : Math.floor(offset / PAGE);
}

function withinPage(offset: number): number {
  return offset >= 0 && offset < 2 ** 31 ? offset & (PAGE - 1) : offset - Math.floor(offset / PAGE) * PAGE;
}

const PAGES_KEPT = 2048;

/**
 * A source with reads of single fields that allocate nothing. Lookups in hash tables do thousands of them, and the
 * launcher's check runs before any code is compiled.
 */
export interface PagedSource extends ByteSource {
  /** @throws MalformedFile past the end of the file */
  u16(offset: number, little: boolean): number;
  u32(offset: number, little: boolean): number;
  /** True when the bytes at an offset are this name and a NUL. */
  holdsName(offset: number, name: string): boolean;
}

/**
 * A source that keeps up to 16 MB of another source's pages, so that a walk over symbols, strings and hash chains reads
 * each page once. A read that fits one page returns a view of it without copying.
 */
export function pagedSource(source: ByteSource): PagedSource {
  const pages = new Map<number, DataView>();
  let lastIndex = -1;
  let lastPage: DataView = new DataView(new ArrayBuffer(0));
  const page = (index: number): DataView => {
    if (index === lastIndex) return lastPage;
    let view = pages.get(index);
    if (view === undefined) {
      if (pages.size >= PAGES_KEPT) pages.clear();
      const bytes = source.read(index * PAGE, PAGE);
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      pages.set(index, view);
    }
    lastIndex = index;
    lastPage = view;
    return view;
  };
  const read = (offset: number, length: number): Uint8Array => {
    const first = pageOf(offset);
    const start = withinPage(offset);
    // A range that does not fit one page is read from the source and not kept.
    if (start + length > PAGE) return source.read(offset, length);
    const view = page(first);
    const here = Math.max(0, Math.min(length, view.byteLength - start));
    return new Uint8Array(view.buffer, view.byteOffset + Math.min(start, view.byteLength), here);
  };
  const field = (offset: number, length: number): DataView => {
    const bytes = offset >= 0 ? read(offset, length) : new Uint8Array();
    if (bytes.length < length) malformed(offset, "a table ends outside the file");
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  };
  return {
    size: source.size,
    read,
    u16(offset, little) {
      const view = page(pageOf(offset));
      const at = withinPage(offset);
      return at + 2 <= view.byteLength ? view.getUint16(at, little) : field(offset, 2).getUint16(0, little);
    },
    u32(offset, little) {
      const view = page(pageOf(offset));
      const at = withinPage(offset);
      return at + 4 <= view.byteLength ? view.getUint32(at, little) : field(offset, 4).getUint32(0, little);
    },
    holdsName(offset, name) {
      const bytes = read(offset, name.length + 1);
      if (bytes.length <= name.length || bytes[name.length] !== 0) return false;
      for (let at = 0; at < name.length; at += 1) {
        if (bytes[at] !== name.charCodeAt(at)) return false;
      }
      return true;
    },
  };
}

/**
 * The `length` bytes at `offset`.
 * @throws MalformedFile that says `what` is cut off
 */
export function readExactly(source: ByteSource, offset: number, length: number, what: string): DataView {
  if (!(offset >= 0 && length >= 0 && offset + length <= source.size)) {
    malformed(offset, `${what} lies outside the file, which has ${source.size} bytes`);
  }
  const bytes = source.read(offset, length);
  if (bytes.length < length) malformed(offset + bytes.length, `${what} could not be read to its end`);
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

/**
 * An unsigned 64-bit field as a number. Above 2^53 the low bits are lost. Such a value is larger than any file, and
 * the comparison that follows refuses it.
 */
export function getU64(view: DataView, at: number, little: boolean): number {
  const low = view.getUint32(little ? at : at + 4, little);
  const high = view.getUint32(little ? at + 4 : at, little);
  return high * 2 ** 32 + low;
}

const BLOCK = 65_536;

/**
 * Calls `visit` for each of `count` records of `size` bytes, with a view, the record's offset in that view, and its
 * index. It stops early when `visit` returns false.
 */
export function eachRecord(
  source: ByteSource,
  table: { readonly offset: number; readonly count: number; readonly size: number; readonly what: string },
  visit: (view: DataView, at: number, index: number) => boolean | void,
): void {
  const { offset, count, size, what } = table;
  if (!(offset >= 0 && offset + count * size <= source.size)) {
    malformed(offset, `${what} lies outside the file, which has ${source.size} bytes`);
  }
  const perBlock = Math.max(1, Math.floor(BLOCK / size));
  for (let first = 0; first < count; first += perBlock) {
    const here = Math.min(perBlock, count - first);
    const view = readExactly(source, offset + first * size, here * size, what);
    for (let record = 0; record < here; record += 1) {
      if (visit(view, record * size, first + record) === false) return;
    }
  }
}

/** Bytes as text, one character a byte, because names in native files have no encoding. */
export function latin1(bytes: Uint8Array): string {
  if (bytes.length > 4096) {
    return latin1(bytes.subarray(0, 4096)) + latin1(bytes.subarray(4096));
  }
  // Not the spread operator, whose iterator is slow for thousands of names.
  return Reflect.apply(String.fromCharCode, undefined, bytes);
}
