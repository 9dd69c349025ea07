/** The result of a command, as a value for `--json` and as lines of text. Later versions may add keys. */
import type { HistoryEntry } from "./transaction/history.ts";

export interface ServiceResult {
  readonly schema: 1;
  readonly action: HistoryEntry["action"] | "clean";
  readonly name: string;
  readonly outcome: "done" | "unchanged" | "planned";
  readonly from: string | null;
  readonly to: string | null;
  /** One fact in each line, the most important first. */
  readonly facts: readonly string[];
  /** What the command would do without `--dry-run`. */
  readonly steps?: readonly string[];
  /** What was removed: names of generations, paths, and descriptions of trees in stores. */
  readonly removed?: readonly string[];
  /** Commands to run next. */
  readonly next: readonly string[];
  readonly seconds: number;
}

function list(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

export function formatResult(result: ServiceResult): string {
  return [
    ...result.facts,
    ...list("would", result.steps ?? []),
    ...list("removed", result.removed ?? []),
    ...list("next", result.next),
  ].join("\n");
}
