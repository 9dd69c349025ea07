/** What became of the apps: the committed results, by name of the app. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

export interface Result {
  readonly name: string;
  /** How far it got; `made` means that the app could not be made, which says nothing about gantry. */
  readonly reached: "nothing" | "made" | "built" | "ran" | "offline";
  /** Was `gantry init --yes` there to be run? */
  readonly init: boolean;
  /** One line of what stopped it: the build's own words, or the app's. */
  readonly message?: string;
  readonly buildSeconds?: number;
  /** The prepared release and the plain copy, each with its runtime; the archive with its modules vendored. Bytes. */
  readonly bytes?: { readonly release: number; readonly plain: number; readonly archive?: number };
  /** Milliseconds until the port takes a connection: the second start of the release, and the plain copy. */
  readonly start?: { readonly release: number; readonly plain?: number };
}

const path = (root: string): string => join(root, "test/apps/results.json");

export function readResults(root: string): readonly Result[] {
  return JSON.parse(readFileSync(path(root), "utf8")) as Result[];
}

/** Puts results in place of older ones of the same apps. */
export function writeResults(root: string, made: readonly Result[], order: readonly string[]): void {
  const all = new Map([...readResults(root), ...made].map((result) => [result.name, result]));
  const kept = order.flatMap((name) => all.get(name) ?? []);
  writeFileSync(path(root), `${JSON.stringify(kept, null, 2)}\n`);
}

/**
 * The line of a failure that names its cause, and its fix: gantry's own where there is one, else the last that says
 * something of an error, else the last. Pure.
 */
export function pickMessage(output: string): string {
  const lines = stripVTControlCharacters(output)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => !line.includes("A complete log of this run"));
  const from = lines.findIndex((line) => /\b[A-Z]+_[A-Z_]+: /.test(line) && line.startsWith("gantry"));
  const fix = from < 0 ? undefined : lines.slice(from).find((line) => /^fix\s/.test(line));
  const own = from < 0 ? undefined : lines[from];
  const said =
    own ?? lines.findLast((line) => /error|cannot|not found/i.test(line)) ?? lines.findLast(Boolean) ?? "";
  return [said.replace(/^gantry: /, ""), fix?.replace(/^fix\s+/, "Fix: ")]
    .filter((text) => text !== undefined)
    .join(". ")
    .slice(0, 400);
}
