import { describe, expect, it } from "vitest";
import { createProgress, formatProgress } from "../../../src/launcher/progress.ts";
import { createLog, type LogFormat } from "../../../src/base/log.ts";

const HALF = { bytes: 6_600_000, total: 13_200_000, current: "libsql" };

describe("formatProgress", () => {
  it("shows a bar, bytes and the module that is awaited", () => {
    expect(formatProgress(HALF, 80)).toBe("  [############            ]  6.6 MB of 13.2 MB  libsql");
    expect(formatProgress({ bytes: 0, total: 0, current: "" }, 80)).toBe(`  [${"#".repeat(24)}]  0 B of 0 B`);
  });

  it("never fills a line, because a wrapped one cannot be redrawn", () => {
    expect(formatProgress(HALF, 30)).toHaveLength(29);
  });
});

function record(format: LogFormat): {
  readonly lines: string[];
  readonly progress: ReturnType<typeof createProgress>;
} {
  const lines: string[] = [];
  const write = (text: string) => lines.push(text);
  const log = createLog({ format, level: "info", write });
  return { lines, progress: createProgress({ log, format, columns: 80, write }) };
}

describe("createProgress", () => {
  it("redraws the bar on a terminal, and takes it away before it says anything else", () => {
    const { lines, progress } = record("terminal");
    progress.step("installing");
    progress.progress(HALF);
    progress.progress(HALF);
    progress.step("checking");
    progress.close();
    expect(lines).toEqual([
      "gantry: installing\n",
      `\r\u001b[K${formatProgress(HALF, 80)}`,
      "\r\u001b[K",
      "gantry: checking\n",
    ]);
  });

  it.each(["plain", "journal"] as const)("has no bar in %s output", (format) => {
    const { lines, progress } = record(format);
    progress.progress(HALF);
    progress.step("checking");
    progress.close();
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain("\u001b");
  });
});
