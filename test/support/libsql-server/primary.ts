/**
 * The database behind the server: a real libsql, loaded from the modules of the release under test, in WAL mode. Its
 * log is never moved into the file, so that the whole history is there for a replica to ask for.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export type SqlValue = null | bigint | number | string | Uint8Array;

export interface Statement {
  readonly sql: string;
  readonly positional: readonly SqlValue[];
  /** By name, without its `:`, `@` or `$`. */
  readonly named: Readonly<Record<string, SqlValue>>;
}

export interface Column {
  readonly name: string;
  readonly type: string | null;
}

export interface Outcome {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly SqlValue[])[];
  readonly affected: number;
  readonly lastRowid: bigint;
}

interface Description {
  readonly columns: readonly Column[];
  /** Each as it is written (`:name`), or "" for a bare `?`. */
  readonly parameters: readonly string[];
}

/** One connection: what a Hrana stream or a replica's writer has for itself. Everything throws what libsql throws. */
export interface Connection {
  execute(statement: Statement): Outcome;
  /** Several statements in one text, their rows thrown away. */
  sequence(sql: string): void;
  describe(sql: string): Description;
  readonly inTransaction: boolean;
  close(): void;
}

/** A page as it was after a change: what replication is made of. */
export interface Frame {
  readonly page: number;
  /** Pages in the database after the commit; 0 in the middle of a transaction. */
  readonly pagesAfter: number;
  readonly data: Buffer;
}

export interface Primary {
  connect(): Connection;
  /** All committed frames since the database was made. */
  readFrames(): readonly Frame[];
  close(): void;
}

/** What is used of libsql's own interface, which is better-sqlite3's. */
interface NativeDatabase {
  readonly inTransaction: boolean;
  prepare(sql: string): NativeStatement;
  exec(sql: string): void;
  close(): void;
}
interface NativeStatement {
  readonly reader: boolean;
  raw(on: boolean): NativeStatement;
  safeIntegers(on: boolean): NativeStatement;
  columns(): readonly { readonly name: string; readonly type: string | null }[];
  all(parameters: unknown): SqlValue[][];
  run(parameters: unknown): unknown;
}
type NativeConstructor = new (file: string) => NativeDatabase;

/** Makes the database `file` with the libsql of `modules`, a node_modules directory. */
export function openPrimary(modules: string, file: string): Primary {
  const Database = createRequire(join(modules, "from-here.js"))("libsql") as NativeConstructor;
  const connect = (): NativeDatabase => {
    const database = new Database(file);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;");
    return database;
  };
  // A checkpoint would begin the log anew, and closing the last connection makes one: this one stays. It counts as a
  // connection to the log only once it has read.
  const keeper = connect();
  keeper.prepare("SELECT count(*) FROM sqlite_schema").raw(true).all([]);
  return {
    connect: () => wrapConnection(connect()),
    readFrames: () => parseLog(readFileSync(`${file}-wal`)),
    close: () => keeper.close(),
  };
}

function wrapConnection(database: NativeDatabase): Connection {
  const count = (sql: string): bigint => {
    const value = database.prepare(sql).safeIntegers(true).raw(true).all([])[0]?.[0];
    return typeof value === "bigint" ? value : 0n;
  };
  return {
    execute({ sql, positional, named }) {
      const before = count("SELECT total_changes()");
      const parameters = Object.keys(named).length > 0 ? named : positional;
      const statement = database.prepare(sql).safeIntegers(true);
      const columns = statement.reader ? statement.columns().map(({ name, type }) => ({ name, type })) : [];
      let rows: SqlValue[][] = [];
      if (statement.reader) rows = statement.raw(true).all(parameters);
      else statement.run(parameters);
      const changed = count("SELECT total_changes()") !== before;
      const affected = changed ? Number(count("SELECT changes()")) : 0;
      return { columns, rows, affected, lastRowid: count("SELECT last_insert_rowid()") };
    },
    sequence: (sql) => database.exec(sql),
    describe(sql) {
      const statement = database.prepare(sql);
      const columns = statement.reader ? statement.columns().map(({ name, type }) => ({ name, type })) : [];
      return { columns, parameters: readParameters(sql) };
    },
    get inTransaction() {
      return database.inTransaction;
    },
    close: () => database.close(),
  };
}

/**
 * What is bound, by the text outside of quotes: libsql's JavaScript does not tell, and EXPLAIN, which would, keeps the
 * transaction that it is asked in from being committed.
 */
function readParameters(sql: string): readonly string[] {
  const bare = sql.replaceAll(/'[^']*'|"[^"]*"|--.*$/gm, "");
  const names = [...bare.matchAll(/\?|[:@$]\w+/g)].map(([name]) => (name === "?" ? "" : name));
  return names.filter((name, index) => name === "" || names.indexOf(name) === index);
}

const LOG_HEADER = 32;
const FRAME_HEADER = 24;
const PAGE_SIZE = 4096;

/** The write-ahead log's frames up to the last commit (https://sqlite.org/fileformat2.html#walformat, big-endian). */
function parseLog(log: Buffer): readonly Frame[] {
  const frames: Frame[] = [];
  for (let at = LOG_HEADER; at + FRAME_HEADER + PAGE_SIZE <= log.length; at += FRAME_HEADER + PAGE_SIZE) {
    frames.push({
      page: log.readUInt32BE(at),
      pagesAfter: log.readUInt32BE(at + 4),
      data: log.subarray(at + FRAME_HEADER, at + FRAME_HEADER + PAGE_SIZE),
    });
  }
  return frames.slice(0, frames.findLastIndex(({ pagesAfter }) => pagesAfter !== 0) + 1);
}

/** What libsql threw, in the terms that both protocols have. */
export function describeFailure(error: unknown): { message: string; code: string; rawCode: number } {
  const { message, code, rawCode } = Object(error) as Record<string, unknown>;
  return {
    message: typeof message === "string" ? message : String(error),
    code: typeof code === "string" ? code : "SQLITE_ERROR",
    rawCode: typeof rawCode === "number" ? rawCode : 1,
  };
}
