/** Nothing that gantry was told by a file, an app, a signature or a server steers the terminal of whoever reads it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatFinding } from "../../../src/base/errors.ts";
import { createLog, type LogFormat } from "../../../src/base/log.ts";
import { jsonText, printable, printableLines } from "../../../src/base/text.ts";
import { bareEnvironment, runProgram } from "../../support/launcher/fixture.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

/** C0, DEL and C1 (ECMA-48), line separators, and what turns text around (Unicode TR 9). */
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
const STEERING = [
  ...range(0, 31),
  ...range(127, 159),
  ...range(0x2028, 0x202e),
  ...range(0x2066, 0x2069),
].map((code) => String.fromCodePoint(code));
const HOSTILE = `before\u001b]0;title\u0007\u001b[2J\u009b31m\u001b[8m\b\b\r\u202eafter\u2066`;
const withoutColours = (text: string) =>
  ["31", "32", "33", "39"].reduce((left, colour) => left.replaceAll(`\u001b[${colour}m`, ""), text);
const steering = (text: string, kept = "\n") =>
  [...text].filter((character) => STEERING.includes(character) && !kept.includes(character));

it.each(STEERING)(
  "%j is replaced in a word, and escaped in JSON, which means the same to a program",
  (character) => {
    expect(printable(`a${character}b`)).toBe("a\u{fffd}b");
    const json = jsonText({ key: [`a${character}b`], [character]: 1 });
    expect(steering(json)).toEqual([]);
    expect(JSON.parse(json)).toEqual({ key: [`a${character}b`], [character]: 1 });
  },
);

describe.each<LogFormat>(["terminal", "plain", "journal"])("a message for a %s", (format) => {
  it.each(["error", "warn", "info", "debug"] as const)(
    "of the kind %s carries nothing but its own colour",
    (kind) => {
      let said = "";
      const log = createLog({ format, level: "debug", write: (text) => (said += text) });
      log[kind](`${HOSTILE}\nsecond ${HOSTILE}`);
      expect(steering(withoutColours(said))).toEqual([]);
      expect(said).toContain("second before");
      expect(said.trimEnd().split("\n")).toHaveLength(2);
    },
  );
});

it("a finding is made harmless in each of its parts", () => {
  const lines = formatFinding({
    code: "IO_FAILED",
    what: HOSTILE,
    where: HOSTILE,
    fix: HOSTILE,
    detail: [HOSTILE],
  });
  expect(steering(lines.join(""), "")).toEqual([]);
});

it("results keep lines, tabs and gantry's own colours, on a terminal alone", () => {
  const text = `\u001b[32mok\u001b[39m\t${HOSTILE}\nnext`;
  expect(printableLines(text, "coloured").startsWith("\u001b[32mok\u001b[39m\t")).toBe(true);
  expect(steering(withoutColours(printableLines(text, "coloured")), "\n\t")).toEqual([]);
  expect(printableLines(text, "coloured")).not.toContain("\u001b[8m");
  expect(steering(printableLines(text, "plain"), "\n\t")).toEqual([]);
});

describe("the launcher", () => {
  const fixture = useFixture();
  const launch = (
    root: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) =>
    runProgram(join(root, "lib/tiny"), ["--no-install", join(root, "lib/launcher.mjs"), ...args], {
      cwd: fixture.directory,
      environment: { ...bareEnvironment(), BUN_BE_BUN: "1", GANTRY_OFFLINE: "1", ...environment },
    });

  it("says a bundle's name and a log's words without what is hidden in them", async () => {
    const root = fixture.make();
    const hidden = HOSTILE.replaceAll("/", "");
    const missing = await launch(root, ["prepare"], { GANTRY_BUNDLE: `/nowhere/${hidden}` });
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toContain("after");
    expect(steering(missing.stderr)).toEqual([]);
    const pasted = join(fixture.directory, "pasted.log");
    writeFileSync(pasted, `Error: ${hidden} /x.node: invalid ELF header\n`);
    for (const args of [
      ["doctor", "--explain", pasted],
      ["doctor", "--json", "--explain", pasted],
    ]) {
      const explained = await launch(root, args);
      expect(steering(explained.stdout + explained.stderr)).toEqual([]);
      expect(explained.stdout).toContain("after");
    }
    const unknown = await launch(root, [`--${hidden}`]);
    expect(unknown.code).toBe(64);
    expect(steering(unknown.stderr)).toEqual([]);
  });
});
