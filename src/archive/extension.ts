/**
 * Parses a header that extends the next entry: a pax header (POSIX.1-2017, pax Extended Header) or GNU tar's long name.
 * Only a name and a size are used. Keys that would make the entry a link, a sparse file or a name in another encoding are
 * refused. Times, owners and attributes are ignored. Pure.
 */
import { parseName, quoted } from "./entry-names.ts";
import type { Refuse } from "./archive-errors.ts";

/**
 * The largest extension that is accepted, in bytes, because it is kept in memory. Names and times take less than 4 KiB.
 */
export const EXTENSION_BYTES = 16 * 1024;

export interface Extension {
  readonly path?: string;
  readonly size?: number;
}

const REFUSED_KEY = /^(?:linkpath|hdrcharset|GNU\.sparse\..*|SCHILY\.realsize|SCHILY\.filetype)$/;

/**
 * Reads records `LENGTH KEY=VALUE\n`, where LENGTH counts the whole record.
 * @throws what `refuse` makes
 */
export function parsePax(bytes: Uint8Array, refuse: Refuse): Extension {
  const found: { path?: string; size?: number } = {};
  const text = Buffer.from(bytes).toString("latin1");
  for (let at = 0; at < text.length;) {
    const [start = "", length = ""] = /^([1-9][0-9]{0,4}) /.exec(text.slice(at, at + 6)) ?? [];
    const record = text.slice(at, at + Number(length));
    const equals = record.indexOf("=");
    if (start === "" || equals < start.length || record.length < Number(length) || !record.endsWith("\n")) {
      throw refuse("an extended header is damaged");
    }
    const key = record.slice(start.length, equals);
    const value = record.slice(equals + 1, -1);
    if (REFUSED_KEY.test(key)) throw refuse(`an extended header has ${quoted(key)}`);
    if (key === "path" || key === "size") {
      if (found[key] !== undefined) throw refuse(`an extended header has two of ${quoted(key)}`);
      if (key === "path") found.path = parseName(Buffer.from(value, "latin1"), refuse);
      else found.size = parseSize(value, refuse);
    }
    at += record.length;
  }
  return found;
}

function parseSize(value: string, refuse: Refuse): number {
  if (!/^[0-9]{1,15}$/.test(value)) throw refuse("an extended header has a size that is no number");
  return Number(value);
}

/** Parses GNU's long name: a name that ends with a NUL. */
export function parseLongName(bytes: Uint8Array, refuse: Refuse): Extension {
  const end = bytes.indexOf(0);
  return { path: parseName(end === -1 ? bytes : bytes.subarray(0, end), refuse) };
}
