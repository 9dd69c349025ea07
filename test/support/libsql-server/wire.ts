/**
 * The bytes of the replication protocol: protobuf fields, gRPC-Web's frames around them, and libsql's own encoding of
 * a value (bincode's, of a Rust enum). Only what the messages of replication.ts need.
 */
import type { SqlValue } from "./primary.ts";

export type Field = Buffer;

/** A number, in protobuf's varint. */
export function numberField(id: number, value: number | bigint): Field {
  return Buffer.concat([varint(id << 3), varint(value)]);
}

/** A string, bytes or a message. */
export function bytesField(id: number, value: string | Uint8Array): Field {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((id << 3) | 2), varint(bytes.length), bytes]);
}

export function message(...fields: readonly Field[]): Buffer {
  return Buffer.concat(fields);
}

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

/** What a message holds, by field number; a field that is not there is an empty list. */
export interface Message {
  numbers(id: number): readonly bigint[];
  bytes(id: number): readonly Buffer[];
}

export function parseMessage(bytes: Buffer): Message {
  const numbers = new Map<number, bigint[]>();
  const blocks = new Map<number, Buffer[]>();
  let at = 0;
  const take = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(take());
    const id = tag >> 3;
    if ((tag & 7) === 0) numbers.set(id, [...(numbers.get(id) ?? []), take()]);
    else if ((tag & 7) === 2) {
      const size = Number(take());
      blocks.set(id, [...(blocks.get(id) ?? []), bytes.subarray(at, at + size)]);
      at += size;
    } else throw new Error(`a field of wire type ${tag & 7}`);
  }
  return { numbers: (id) => numbers.get(id) ?? [], bytes: (id) => blocks.get(id) ?? [] };
}

/** The one message in a gRPC-Web request: a flag byte, its length, big-endian, and itself. */
export function parseCall(body: Buffer): Message {
  return parseMessage(body.subarray(5, 5 + body.readUInt32BE(1)));
}

/** A gRPC-Web answer: the message, when all went well, and the status as a frame of trailers (flag 0x80). */
export function formatAnswer(answer: Buffer | undefined, status = 0, reason = ""): Buffer {
  const trailers = Buffer.from(`grpc-status:${status}\r\ngrpc-message:${reason}\r\n`);
  const framed = answer === undefined ? [] : [formatFramed(0, answer)];
  return Buffer.concat([...framed, formatFramed(0x80, trailers)]);
}

function formatFramed(flag: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** A variant's number in 4 bytes, then its content, lengths in 8 bytes, all little-endian. */
const VARIANTS = ["null", "integer", "real", "text", "blob"] as const;

export function parseValue(bytes: Buffer): SqlValue {
  const content = (): Buffer => bytes.subarray(12, 12 + Number(bytes.readBigUInt64LE(4)));
  switch (VARIANTS[bytes.readUInt32LE()]) {
    case "null":
      return null;
    case "integer":
      return bytes.readBigInt64LE(4);
    case "real":
      return bytes.readDoubleLE(4);
    case "text":
      return content().toString();
    case "blob":
      return content();
    default:
      throw new Error("a value of no known type");
  }
}

export function formatValue(value: SqlValue): Buffer {
  if (value === null) return Buffer.alloc(4);
  const head = Buffer.alloc(12);
  if (typeof value === "bigint") {
    head.writeUInt32LE(1);
    head.writeBigInt64LE(value, 4);
    return head;
  }
  if (typeof value === "number") {
    head.writeUInt32LE(2);
    head.writeDoubleLE(value, 4);
    return head;
  }
  const content = Buffer.from(value);
  head.writeUInt32LE(typeof value === "string" ? 3 : 4);
  head.writeBigUInt64LE(BigInt(content.length), 4);
  return Buffer.concat([head, content]);
}
