/**
 * What a replica (a file: database with a syncUrl) asks of its primary: two gRPC services over gRPC-Web, so plain
 * HTTP/1.1. wal_log.ReplicationLog hands out the log's frames; proxy.Proxy runs the statements that the replica may
 * not run itself. Field numbers are those of replication_log.proto and proxy.proto in libsql.
 */
import { randomUUID } from "node:crypto";
import {
  describeFailure,
  type Column,
  type Connection,
  type Frame,
  type Outcome,
  type Primary,
  type SqlValue,
  type Statement,
} from "./primary.ts";
import {
  bytesField,
  formatAnswer,
  formatValue,
  message,
  numberField,
  parseCall,
  parseMessage,
  parseValue,
  type Field,
} from "./wire.ts";

const FAILED_PRECONDITION = 9;
const UNIMPLEMENTED = 12;
/** proxy.State: what the writer's connection is in after a program. */
const STATE = { init: 0, transaction: 2 } as const;

export interface Replication {
  /** Answers a call by its path, or undefined when the path is not a call. */
  answer(path: string, session: string | undefined, body: Buffer): Buffer | undefined;
  close(): void;
}

export function openReplication(primary: Primary): Replication {
  const log = randomUUID();
  const session = randomUUID();
  const writers = new Map<string, Connection>();
  const writerOf = (client: string): Connection => {
    const writer = writers.get(client) ?? primary.connect();
    writers.set(client, writer);
    return writer;
  };

  const calls: Record<string, (body: Buffer) => Buffer> = {
    "/wal_log.ReplicationLog/Hello": () =>
      message(
        bytesField(1, randomUUID()),
        bytesField(3, log),
        bytesField(4, session),
        ...lastFrameField(5, primary),
      ),
    "/wal_log.ReplicationLog/BatchLogEntries": (body) => {
      const from = Number(parseCall(body).numbers(1)[0] ?? 0n);
      const frames = primary.readFrames().map(formatFrame).slice(from);
      return message(...frames.map((data) => bytesField(1, message(bytesField(1, data)))));
    },
    "/proxy.Proxy/Describe": (body) => {
      const [client, sql] = texts(body, [1, 2]);
      return message(describe(writerOf(client ?? ""), sql ?? ""));
    },
    "/proxy.Proxy/Execute": (body) => {
      const request = parseCall(body);
      const writer = writerOf(String(request.bytes(1)[0]));
      const steps = parseMessage(request.bytes(2)[0] ?? Buffer.alloc(0)).bytes(1);
      const results = steps.map((step) => bytesField(1, runStep(writer, step)));
      const state = writer.inTransaction ? STATE.transaction : STATE.init;
      return message(...results, numberField(2, state), ...lastFrameField(3, primary));
    },
    "/proxy.Proxy/Disconnect": (body) => {
      const [client] = texts(body, [1]);
      writers.get(client ?? "")?.close();
      writers.delete(client ?? "");
      return message();
    },
  };
  return {
    answer(path, given, body) {
      const call = calls[path];
      if (call === undefined) {
        return /^\/(?:wal_log|proxy)\./.test(path) ? formatAnswer(undefined, UNIMPLEMENTED) : undefined;
      }
      const needsHello = path.startsWith("/wal_log.") && !path.endsWith("/Hello");
      return needsHello && given !== session
        ? formatAnswer(undefined, FAILED_PRECONDITION, "NO_HELLO")
        : formatAnswer(call(body));
    },
    close() {
      for (const writer of writers.values()) writer.close();
    },
  };
}

function texts(body: Buffer, ids: readonly number[]): readonly string[] {
  const request = parseCall(body);
  return ids.map((id) => request.bytes(id)[0]?.toString() ?? "");
}

/** Frames are numbered from 0; a database without any has no last one. */
function lastFrameField(id: number, primary: Primary): readonly Field[] {
  const count = primary.readFrames().length;
  return count === 0 ? [] : [numberField(id, count - 1)];
}

/** Number, checksum (which replicas do not read), page, pages after the commit: little-endian, then the page. */
function formatFrame({ page, pagesAfter, data }: Frame, number: number): Buffer {
  const header = Buffer.alloc(24);
  header.writeBigUInt64LE(BigInt(number));
  header.writeUInt32LE(page, 16);
  header.writeUInt32LE(pagesAfter, 20);
  return Buffer.concat([header, data]);
}

function describe(writer: Connection, sql: string): Field {
  try {
    const { columns, parameters } = writer.describe(sql);
    return bytesField(
      2,
      message(
        ...columns.map((column) => bytesField(1, formatColumn(column))),
        ...parameters.map((name) => bytesField(2, name)),
        numberField(3, parameters.length),
      ),
    );
  } catch (error) {
    return bytesField(1, formatFailure(error));
  }
}

/** A Step of a Program to a QueryResult; conditions are sent only by calls that @libsql/client does not make. */
function runStep(writer: Connection, bytes: Buffer): Buffer {
  const step = parseMessage(bytes);
  if (step.bytes(1).length > 0) throw new Error("a step with a condition");
  try {
    return message(bytesField(2, formatRows(writer.execute(parseQuery(step.bytes(2)[0])))));
  } catch (error) {
    return message(bytesField(1, formatFailure(error)));
  }
}

function parseQuery(bytes: Buffer | undefined): Statement {
  const query = parseMessage(bytes ?? Buffer.alloc(0));
  const empty = Buffer.alloc(0);
  const values = (list: readonly Buffer[]): readonly SqlValue[] =>
    list.map((value) => parseValue(parseMessage(value).bytes(1)[0] ?? empty));
  const named = parseMessage(query.bytes(3)[0] ?? empty);
  const namedValues = values(named.bytes(2));
  return {
    sql: String(query.bytes(1)[0]),
    positional: values(parseMessage(query.bytes(2)[0] ?? empty).bytes(1)),
    named: Object.fromEntries(
      named.bytes(1).map((name, index) => [name.toString().slice(1), namedValues[index] ?? null]),
    ),
  };
}

function formatRows({ columns, rows, affected, lastRowid }: Outcome): Buffer {
  return message(
    ...columns.map((column) => bytesField(1, formatColumn(column))),
    ...rows.map((row) =>
      bytesField(
        2,
        message(...row.map((value) => bytesField(1, message(bytesField(1, formatValue(value)))))),
      ),
    ),
    numberField(3, affected),
    numberField(4, lastRowid),
  );
}

function formatColumn({ name, type }: Column): Buffer {
  return message(bytesField(1, name), ...(type === null ? [] : [bytesField(3, type)]));
}

function formatFailure(error: unknown): Buffer {
  const { message: text, rawCode } = describeFailure(error);
  return message(bytesField(2, text), numberField(3, rawCode));
}
