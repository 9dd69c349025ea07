/**
 * Hrana 2, the protocol of libsql's http: and ws: clients, in JSON: requests on a stream, which is a connection of the
 * database. Answers as the specification says (HRANA_2_SPEC.md of libsql); the two transports are server.ts's.
 */
import { describeFailure, type Connection, type Outcome, type SqlValue, type Statement } from "./primary.ts";

export interface HranaRequest {
  readonly type: string;
  readonly stmt?: HranaStatement;
  readonly batch?: { readonly steps: readonly { condition?: Condition; stmt: HranaStatement }[] };
  readonly sql?: string;
  readonly sql_id?: number;
}

interface HranaStatement {
  readonly sql?: string;
  readonly sql_id?: number;
  readonly args?: readonly HranaValue[];
  readonly named_args?: readonly { readonly name: string; readonly value: HranaValue }[];
  readonly want_rows?: boolean;
}

type HranaValue =
  | { readonly type: "null" }
  | { readonly type: "integer" | "text"; readonly value: string }
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "blob"; readonly base64: string };

type Condition =
  | { readonly type: "ok" | "error"; readonly step: number }
  | { readonly type: "not"; readonly cond: Condition }
  | { readonly type: "and" | "or"; readonly conds: readonly Condition[] };

export interface HranaFailure {
  readonly message: string;
  readonly code: string;
}

/** SQL texts that the client stored, by its own numbers: per stream over HTTP, per socket over WebSocket. */
export type StoredSql = Map<number, string>;

/** Answers one request; throws what libsql throws. Opening and closing streams is the transport's. */
export function answerHrana(connection: Connection, stored: StoredSql, request: HranaRequest): object {
  const { type } = request;
  switch (type) {
    case "execute":
      return { type, result: execute(connection, stored, request.stmt ?? {}) };
    case "batch":
      return { type, result: runBatch(connection, stored, request.batch?.steps ?? []) };
    case "sequence":
      connection.sequence(sqlOf(request, stored));
      return { type };
    case "describe": {
      const { columns, parameters } = connection.describe(sqlOf(request, stored));
      const params = parameters.map((name) => ({ name: name === "" ? null : name }));
      const cols = columns.map(({ name, type: decltype }) => ({ name, decltype }));
      return { type, result: { params, cols, is_explain: false, is_readonly: columns.length > 0 } };
    }
    default:
      throw new Error(`the server knows no request ${type}`);
  }
}

/** Answers the two requests that need no connection, or gives undefined for any other. */
export function answerStored(stored: StoredSql, request: HranaRequest): object | undefined {
  const { type, sql, sql_id: id = -1 } = request;
  if (type === "store_sql") stored.set(id, sql ?? "");
  else if (type === "close_sql") stored.delete(id);
  else return undefined;
  return { type };
}

export function hranaFailure(error: unknown): HranaFailure {
  const { message, code } = describeFailure(error);
  return { message, code };
}

function execute(connection: Connection, stored: StoredSql, stmt: HranaStatement): object {
  const outcome = connection.execute(parseStatement(stmt, stored));
  return formatOutcome(outcome, stmt.want_rows ?? true);
}

function runBatch(
  connection: Connection,
  stored: StoredSql,
  steps: readonly { condition?: Condition; stmt: HranaStatement }[],
): object {
  const results: (object | null)[] = [];
  const errors: (HranaFailure | null)[] = [];
  const holds = (condition: Condition): boolean => {
    switch (condition.type) {
      case "ok":
        return results[condition.step] !== null;
      case "error":
        return errors[condition.step] !== null;
      case "not":
        return !holds(condition.cond);
      case "and":
        return condition.conds.every(holds);
      case "or":
        return condition.conds.some(holds);
    }
  };
  for (const { condition, stmt } of steps) {
    let result: object | null = null;
    let failure: HranaFailure | null = null;
    if (condition === undefined || holds(condition)) {
      try {
        result = execute(connection, stored, stmt);
      } catch (error) {
        failure = hranaFailure(error);
      }
    }
    results.push(result);
    errors.push(failure);
  }
  return { step_results: results, step_errors: errors };
}

function sqlOf({ sql, sql_id: id }: { sql?: string; sql_id?: number }, stored: StoredSql): string {
  const text = sql ?? stored.get(id ?? -1);
  if (text === undefined) throw new Error(`the client never stored a text ${id}`);
  return text;
}

function parseStatement(stmt: HranaStatement, stored: StoredSql): Statement {
  const named = (stmt.named_args ?? []).map(({ name, value }) => [
    name.replace(/^[:@$]/, ""),
    parseValue(value),
  ]);
  return {
    sql: sqlOf(stmt, stored),
    positional: (stmt.args ?? []).map(parseValue),
    named: Object.fromEntries(named) as Record<string, SqlValue>,
  };
}

function parseValue(value: HranaValue): SqlValue {
  switch (value.type) {
    case "null":
      return null;
    case "integer":
      return BigInt(value.value);
    case "blob":
      return Buffer.from(value.base64, "base64");
    default:
      return value.value;
  }
}

function formatOutcome({ columns, rows, affected, lastRowid }: Outcome, wantRows: boolean): object {
  return {
    cols: columns.map(({ name, type }) => ({ name, decltype: type })),
    rows: wantRows ? rows.map((row) => row.map(formatValue)) : [],
    affected_row_count: affected,
    last_insert_rowid: lastRowid.toString(),
  };
}

function formatValue(value: SqlValue): HranaValue {
  if (value === null) return { type: "null" };
  if (typeof value === "bigint") return { type: "integer", value: value.toString() };
  if (typeof value === "number") return { type: "float", value };
  if (typeof value === "string") return { type: "text", value };
  // The specification's base64 has no padding.
  return { type: "blob", base64: Buffer.from(value).toString("base64").replace(/=+$/, "") };
}
