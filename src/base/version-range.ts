/** Says whether a version satisfies a range, as npm's package.json writes ranges ("engines", "dependencies"). Pure. */
import { compareVersions } from "./versions.ts";

/** The range has this version and everything that follows it, up to the second one, which it has not. */
type Interval = readonly [from: string, below: string];

const PARTIAL = /^[v=]?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:[-+][0-9A-Za-z.+-]+)?$/;
const OPERATOR = /^(>=|<=|>|<|\^|~>?|=)?\s*(.*)$/;
const HIGHEST = "999999999.0.0";

/**
 * Says whether a release satisfies a range: alternatives (`||`), comparators, `^`, `~`, `x` and hyphens. Prereleases in
 * the range count as the release that they precede.
 * @param version a release, such as `24.21.0`
 * @returns undefined when the text is no range
 */
export function satisfiesRange(version: string, range: string): boolean | undefined {
  const results = new Set(range.split("||").map((part) => satisfiesAll(version, part.trim())));
  return results.has(undefined) ? undefined : results.has(true);
}

function satisfiesAll(version: string, part: string): boolean | undefined {
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(part);
  const written = hyphen === null ? part : `>=${hyphen[1]} <=${hyphen[2]}`;
  const words = written.replaceAll(/(>=|<=|>|<|\^|~>?|=)\s+/g, "$1").split(/[\s,]+/);
  const intervals = words.map((word) => (word === "" ? intervalOf("", "*") : intervalOf(...split(word))));
  if (intervals.includes(undefined)) return undefined;
  return intervals.every((interval) => interval !== undefined && isInside(version, interval));
}

function split(word: string): [operator: string, version: string] {
  const [, operator = "", version = ""] = OPERATOR.exec(word) ?? [];
  return [operator, version];
}

function isInside(version: string, [from, below]: Interval): boolean {
  return (compareVersions(version, from) ?? -1) >= 0 && (compareVersions(version, below) ?? 1) < 0;
}

function intervalOf(operator: string, text: string): Interval | undefined {
  const parts = PARTIAL.exec(text);
  if (parts === null) return undefined;
  const named = parts
    .slice(1)
    .map((part) => (part === undefined || /[xX*]/.test(part) ? undefined : Number(part)));
  const known = named.indexOf(undefined) === -1 ? 3 : named.indexOf(undefined);
  const [major = 0, minor = 0, patch = 0] = named;
  const from = `${major}.${minor}.${patch}`;
  /** The first version after all that begin with this many of the numbers. */
  const after = (count: number): string => {
    if (count === 0) return HIGHEST;
    if (count === 1) return `${major + 1}.0.0`;
    return count === 2 ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`;
  };
  switch (operator) {
    case ">=":
      return [from, HIGHEST];
    case ">":
      return [after(known), HIGHEST];
    case "<":
      return ["0.0.0", from];
    case "<=":
      return ["0.0.0", after(known)];
    case "^":
      return [from, after(Math.min(known, major > 0 ? 1 : minor > 0 ? 2 : 3))];
    case "~":
    case "~>":
      return [from, after(Math.min(known, 2))];
    default:
      return [from, after(known)];
  }
}
