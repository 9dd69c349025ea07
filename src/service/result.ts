/** The result of a command, as a value for `--json` and as lines for people. Later versions may add keys. */
import type { HistoryEntry } from "./transaction/history.ts";

export interface ServiceResult {
  readonly schema: 1;
  readonly action: HistoryEntry["action"] | "clean";
  readonly name: string;
  readonly outcome: "done" | "unchanged" | "planned";
  readonly from: string | null;
  readonly to: string | null;
  /** One fact a line, most important first. */
  readonly facts: readonly string[];
  /** What `--dry-run` would do. */
  readonly steps?: readonly string[];
  /** Names of the generations that were removed. */
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
