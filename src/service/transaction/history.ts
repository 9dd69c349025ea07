/**
 * history.jsonl: one line of JSON for each change. Lines are appended and never rewritten. A line that a power cut left
 * incomplete is skipped when the file is read, and the next entry begins on a new line.
 */
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";
import { readOptionalText } from "../../base/files/index.ts";
import type { ServiceLayout } from "../service-layout.ts";

const EntrySchema = v.object({
  schema: v.literal(1),
  /** When the change began, ISO 8601 in UTC. */
  at: v.string(),
  action: v.picklist(["install", "upgrade", "rollback", "uninstall"]),
  from: v.nullable(v.string()),
  to: v.nullable(v.string()),
  /**
   * `done`: the new generation stays in charge. `went-back`: the change failed after the step `switching` began, for
   * example because the new generation was not healthy. `failed`: it was refused or failed before that step.
   * `unhealthy`: a first installation that is not healthy stays. `interrupted`: the process or the host died, and the
   * change was undone later.
   */
  outcome: v.picklist(["done", "went-back", "failed", "unhealthy", "interrupted"]),
  /** The error code of the failure. */
  code: v.optional(v.string()),
  /** Duration in seconds, of an interrupted change until its recovery. */
  seconds: v.number(),
  who: v.object({ user: v.string(), uid: v.number() }),
});

export type HistoryEntry = Readonly<v.InferOutput<typeof EntrySchema>>;

export interface History {
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
  /** The number of lines that are no entry of this version: incomplete ones, and those of a later version. */
  readonly skipped: number;
}

export function parseHistory(text: string): History {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const entries = lines.flatMap((line) => parseEntry(line) ?? []);
  return { entries, skipped: lines.length - entries.length };
}

function parseEntry(line: string): HistoryEntry | undefined {
  try {
    const result = v.safeParse(EntrySchema, JSON.parse(line));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

export function readHistory(layout: ServiceLayout): History {
  return parseHistory(readOptionalText(layout.history) ?? "");
}

/** Appends one line and waits until it is on the disk. */
export function appendHistory(layout: ServiceLayout, entry: HistoryEntry): void {
  mkdirSync(dirname(layout.history), { recursive: true });
  const descriptor = openSync(layout.history, "a+", 0o600);
  try {
    const { size } = fstatSync(descriptor);
    const last = Buffer.alloc(1);
    if (size > 0) readSync(descriptor, last, 0, 1, size - 1);
    const begin = size > 0 && last.toString() !== "\n" ? "\n" : "";
    writeSync(descriptor, `${begin}${JSON.stringify(entry)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The generations that the history records as `done`, latest first, without those from which a rollback went back. So
 * two rollbacks go back two steps, and not forward again.
 */
export function healthyGenerations({ entries }: History): string[] {
  let line: string[] = [];
  for (const { action, outcome, to } of entries) {
    if (outcome !== "done" || to === null) continue;
    const before = action === "rollback" ? line.slice(0, line.lastIndexOf(to) + 1) : line;
    line = [...before.filter((name) => name !== to), to];
  }
  return line.toReversed();
}
