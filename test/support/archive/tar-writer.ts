/**
 * Writes tar archives byte by byte, honest ones and all the others: every field of a header can be said to be
 * anything, and nothing is checked. After POSIX.1-2017, "ustar Interchange Format" and "pax Extended Header".
 */
import { createHash } from "node:crypto";
import type { FileEntry } from "../../../src/release/tree.ts";

export interface Fields {
  readonly name: string | Buffer;
  readonly data?: string | Buffer;
  /** The size field, when it is not the data's: a number, or the twelve bytes. */
  readonly size?: number | Buffer;
  readonly type?: string;
  readonly mode?: number;
  readonly link?: string;
  readonly prefix?: string;
  readonly magic?: string;
  readonly checksum?: string;
}

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;

export function header(fields: Fields): Buffer {
  const block = Buffer.alloc(512);
  const put = (value: string | Buffer, at: number, length: number): void => {
    Buffer.from(value).copy(block, at, 0, length);
  };
  const { size = Buffer.byteLength(fields.data ?? "") } = fields;
  put(fields.name, 0, 100);
  put(octal(fields.mode ?? 0o644, 8), 100, 8);
  put(octal(0, 8), 108, 8);
  put(octal(0, 8), 116, 8);
  put(typeof size === "number" ? octal(size, 12) : size, 124, 12);
  put(octal(315_532_800, 12), 136, 12);
  put("        ", 148, 8);
  put(fields.type ?? "0", 156, 1);
  put(fields.link ?? "", 157, 100);
  put(fields.magic ?? "ustar\u000000", 257, 8);
  put(fields.prefix ?? "", 345, 155);
  const sum = block.reduce((all, byte) => all + byte, 0);
  put(fields.checksum ?? `${sum.toString(8).padStart(6, "0")}\0 `, 148, 8);
  return block;
}

function padded(data: string | Buffer): Buffer {
  const bytes = Buffer.from(data);
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export function entry(fields: Fields): Buffer {
  return Buffer.concat([header(fields), padded(fields.data ?? "")]);
}

export const END = Buffer.alloc(1024);

export function tar(...parts: (Fields | Buffer)[]): Buffer {
  return Buffer.concat([...parts.map((part) => (Buffer.isBuffer(part) ? part : entry(part))), END]);
}

/** A pax record; its length counts its own digits. */
export function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (Buffer.byteLength(`${length}${rest}`) !== length) length = Buffer.byteLength(`${length}${rest}`);
  return `${length}${rest}`;
}

export function pax(records: Readonly<Record<string, string>>, type = "x"): Buffer {
  const data = Object.entries(records).map(([key, value]) => record(key, value));
  return entry({ name: "PaxHeader/it", type, data: data.join("") });
}

export function longName(name: string): Buffer {
  return entry({ name: "././@LongLink", type: "L", data: `${name}\0`, magic: "ustar  \0" });
}

export function fileEntry(data: string | Buffer, mode?: "x"): FileEntry {
  const digest = createHash("sha256").update(data).digest("hex");
  const size = Buffer.byteLength(data);
  return mode === undefined ? [size, digest] : [size, digest, mode];
}
