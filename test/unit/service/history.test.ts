import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  appendHistory,
  healthyGenerations,
  parseHistory,
  readHistory,
  type HistoryEntry,
} from "../../../src/service/transaction/history.ts";
import { serviceLayout, type ServiceLayout } from "../../../src/service/service-layout.ts";

let root = "";
let layout: ServiceLayout;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-history-"));
  layout = serviceLayout("app", root);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const entry = (to: string, changed: Partial<HistoryEntry> = {}): HistoryEntry => ({
  schema: 1,
  at: "2026-01-02T03:04:05.000Z",
  action: "upgrade",
  from: null,
  to,
  outcome: "done",
  seconds: 1.5,
  who: { user: "ada", uid: 1000 },
  ...changed,
});
const A = "1.0.0-00000000000a";
const B = "2.0.0-00000000000b";
const C = "3.0.0-00000000000c";

describe("history.jsonl", () => {
  it("keeps every entry in order, for root alone", () => {
    for (const to of [A, B]) appendHistory(layout, entry(to));
    expect(readHistory(layout)).toEqual({ entries: [entry(A), entry(B)], skipped: 0 });
    expect(statSync(layout.history).mode & 0o777).toBe(0o600);
  });

  it("is empty when nothing has happened", () => {
    expect(readHistory(layout)).toEqual({ entries: [], skipped: 0 });
  });

  it("cut after any byte of its last line, it loses that entry only", () => {
    appendHistory(layout, entry(A));
    const whole = statSync(layout.history).size;
    appendHistory(layout, entry(B));
    const text = readFileSync(layout.history, "utf8");
    for (let size = whole + 1; size < text.length - 1; size += 1) {
      rmSync(layout.history);
      appendFileSync(layout.history, text);
      truncateSync(layout.history, size);
      expect(readHistory(layout)).toEqual({ entries: [entry(A)], skipped: 1 });
      appendHistory(layout, entry(C));
      expect(readHistory(layout)).toEqual({ entries: [entry(A), entry(C)], skipped: 1 });
    }
  });

  it("without its last line feed the last entry counts, and the next is separate", () => {
    appendHistory(layout, entry(A));
    truncateSync(layout.history, statSync(layout.history).size - 1);
    appendHistory(layout, entry(B));
    expect(readHistory(layout)).toEqual({ entries: [entry(A), entry(B)], skipped: 0 });
  });

  it("skips zeros, other JSON and entries of a later version", () => {
    const lines = ["\0\0\0\0", "[]", '{"schema":2}', JSON.stringify(entry(A)), ""];
    expect(parseHistory(lines.join("\n"))).toEqual({ entries: [entry(A)], skipped: 3 });
  });
});

describe("the generations to go back to", () => {
  const back = (to: string) => entry(to, { action: "rollback" });
  it.each<[string, HistoryEntry[], string[]]>([
    ["are the healthy ones, latest first", [entry(A), entry(B), entry(C)], [C, B, A]],
    ["do not hold what was given up", [entry(A), entry(B, { outcome: "went-back" })], [A]],
    ["hold each once, by its last time", [entry(A), entry(B), entry(A)], [A, B]],
    ["do not hold what a rollback turned away from", [entry(A), entry(B), entry(C), back(B)], [B, A]],
    ["go back further with the next rollback", [entry(A), entry(B), entry(C), back(B), back(A)], [A]],
    ["take in what was upgraded to again", [entry(A), entry(B), back(A), entry(B)], [B, A]],
  ])("%s", (_, entries, names) => {
    expect(healthyGenerations({ entries, skipped: 0 })).toEqual(names);
  });
});
