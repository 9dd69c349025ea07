/**
 * Chooses the Node of an app that does not name one for its releases, by what it says to other tools: volta,
 * .node-version, .nvmrc, `engines` and `devEngines`. Pure.
 */
import { compareDotted } from "../../base/versions.ts";
import { satisfiesRange } from "../../base/version-range.ts";

/** A value that was not set, and what says it. */
export interface Told<T> {
  readonly value: T;
  /** For messages: `.nvmrc`, `the script "start"`. */
  readonly by: string;
}

export interface ChosenNode extends Told<string> {
  /** Why releases cannot have the Node that the app asks for. */
  readonly problem?: string;
}

/** The oldest Node that can run the launcher. */
export const OLDEST_NODE = "20.19.0";

/** nvm's names of the lines with long-term support that releases can have. */
const LINES: Readonly<Record<string, string>> = { iron: "20", jod: "22", krypton: "24" };

/**
 * Chooses a version. An exact one is taken as it is. A range takes the running Node when that satisfies it, so that the
 * app gets the Node with which it is tried; else the newest that the registry has for it, and the value is the range.
 * @param told what the app says, the most telling first
 * @param running version of the Node that runs gantry
 */
export function chooseNode(told: readonly Told<string>[], running: string): ChosenNode {
  const [first] = told;
  if (first === undefined) return { value: running, by: "the Node that runs gantry" };
  const range = rangeOf(first.value);
  const exact = /^\d+\.\d+\.\d+$/.test(range);
  if (exact && compareDotted(range, OLDEST_NODE) >= 0) return { value: range, by: first.by };
  const by = `${first.by} (${first.value.trim()})`;
  // A later one of the same line runs what an earlier one runs (Node's releases follow semver).
  const wanted = exact ? `${range.split(".")[0]}` : range;
  if (satisfiesRange(running, wanted) === true) return { value: running, by };
  if (isOffered(wanted)) return { value: wanted, by };
  const problem =
    satisfiesRange(OLDEST_NODE, wanted) === undefined
      ? `${by} names no version of Node that can be read`
      : `${by} asks for a Node below ${OLDEST_NODE}, and releases need that or a newer one`;
  return { value: running, by, problem };
}

/** A version or range in npm's words, of what version managers allow: `v22`, `lts/jod`, `lts/*`, `node`. */
function rangeOf(text: string): string {
  const word = text.trim().replace(/^v(?=\d)/, "");
  const line = /^lts\/(\w+)$/i.exec(word)?.[1]?.toLowerCase();
  if (line !== undefined) return LINES[line] ?? word;
  return /^(?:lts\/\*|lts|node|latest|current|stable)$/i.test(word) ? "*" : word;
}

/** Says whether a range has a version that a release can have. The numbers stay far above those of today's releases. */
function isOffered(range: string): boolean {
  for (let major = 20; major < 60; major += 1) {
    for (let minor = major === 20 ? 19 : 0; minor < 60; minor += 1) {
      if ([0, 99].some((patch) => satisfiesRange(`${major}.${minor}.${patch}`, range) === true)) return true;
    }
  }
  return false;
}
