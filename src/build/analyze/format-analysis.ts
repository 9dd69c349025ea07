/** Formats an analysis for people, in 80 columns. Externals come first. */
import { count, formatBytes } from "../../base/text.ts";
import type { Analysis } from "./analyze.ts";
import type { AnalyzedPackage } from "./describe-package.ts";

const WIDTH = 80;
const INDENT = "    ";

const NONE_OUTSIDE = "Nothing stays outside the binary: every package that is imported is plain JavaScript.";
const NONE_BESIDE = "Nothing lies beside the app: it has no production dependencies.";

/** The table of `gantry analyze`, without a line feed at its end. */
export function formatAnalysis(analysis: Analysis): string {
  const { externals, packages } = analysis;
  const lines = [`${analysis.name} ${analysis.version} for ${analysis.target}`, ""];
  const node = analysis.runtime === "node";
  if (externals.length === 0) lines.push(node ? NONE_BESIDE : NONE_OUTSIDE);
  else lines.push(`${node ? "Beside the app" : "Outside the binary"}: ${count(externals.length, "module")}`);
  for (const external of externals) {
    const role = external.native ? "native" : "plain";
    lines.push(row(external, `${role}${external.optional ? ", optional" : ""}`));
    if (node && role === "plain") continue;
    lines.push(...wrap(`It ${external.reason}.`));
    if (node) continue;
    const verdict = external.embeddable.possible ? "Could be embedded" : "Cannot be embedded";
    if (external.native) lines.push(...wrap(`${verdict}: ${external.embeddable.why}.`));
    if (external.alone > 0)
      lines.push(...wrap(`Without it, the release would have ${formatBytes(external.alone)} less.`));
  }
  const groups: [AnalyzedPackage["role"], string][] = [
    ["carried", "In the release because those need them"],
    ["left-out", "Left out, made for other platforms"],
    ["unused", "Not in the release, because no file imports them"],
    ["bundled", node ? "Left to the app's own build" : "Compiled in"],
  ];
  for (const [role, title] of groups) {
    const members = packages.filter((found) => found.role === role);
    if (members.length === 0) continue;
    lines.push("", `${title}: ${count(members.length, "package")}, ${formatBytes(total(members))}`);
    for (const [member, copies] of merged(members)) {
      const note = role === "carried" ? `for ${member.neededBy.join(", ")}` : "";
      lines.push(row(member, copies === 1 ? note : `${copies} copies ${note}`.trimEnd()));
    }
  }
  for (const warning of analysis.warnings) lines.push("", ...wrap(`Warning: ${warning}.`, ""));
  return lines.join("\n");
}

function row(found: AnalyzedPackage, note: string): string {
  const start = `  ${`${found.name} ${found.version}`.padEnd(44)} ${formatBytes(found.bytes).padStart(9)}`;
  const line = note === "" ? start : `${start}  ${note}`;
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 1)}…`;
}

/** Combines the copies of one version of a package in one row. Nested node_modules directories hold such copies. */
function merged(packages: readonly AnalyzedPackage[]): [AnalyzedPackage, number][] {
  const rows = new Map<string, [AnalyzedPackage, number]>();
  for (const found of packages) {
    const key = `${found.name}@${found.version}`;
    const [known, copies] = rows.get(key) ?? [{ ...found, bytes: 0 }, 0];
    rows.set(key, [{ ...known, bytes: known.bytes + found.bytes }, copies + 1]);
  }
  return [...rows.values()];
}

function total(packages: readonly AnalyzedPackage[]): number {
  return packages.reduce((sum, found) => sum + found.bytes, 0);
}

/** Breaks a sentence into indented lines of at most 80 columns. A longer word gets a line of its own. */
function wrap(sentence: string, indent: string = INDENT): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of sentence.split(" ")) {
    if (line.length + word.length > WIDTH && line !== indent) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
