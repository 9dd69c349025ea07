/** Finds the file that starts an app, and the name of its binary. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { PackageJson } from "pkg-types";
import type { Told } from "./node-version.ts";

const EXTENSIONS = ["ts", "tsx", "mts", "js", "mjs", "cjs", "jsx"] as const;
/** Files that are tried in this order when nothing names an entry. */
const USUAL_ENTRIES = ["src/main", "src/index", "main", "index"].flatMap((stem) =>
  EXTENSIONS.map((extension) => `${stem}.${extension}`),
);

export interface EntryClues {
  readonly dir: string;
  readonly json: PackageJson;
  /** The setting `gantry.entry`. */
  readonly named: string | undefined;
  readonly binary: string;
  /** What a script compiles or starts. */
  readonly told: Told<string> | undefined;
}

/** The binary's name of an app that does not set it: the key of a single `bin`, else the package's name without scope. */
export function defaultBinary(json: PackageJson, name: string): string {
  const bins = binEntries(json, name);
  return (bins.length === 1 ? bins[0]?.[0] : undefined) ?? withoutScope(name);
}

/** The entry of an app that runs on Bun, absolute. It exists. */
export function findBunEntry({ dir, json, named, binary, told }: EntryClues): Told<string> | undefined {
  if (named !== undefined) return existing(dir, { value: named, by: '"gantry.entry"' });
  const fields = [ownBin(json, binary), told, fieldOf(json, "module"), fieldOf(json, "main")];
  const usual = USUAL_ENTRIES.map((value) => ({ value, by: "its name" }));
  for (const one of [...fields, ...usual]) {
    const found = one === undefined ? undefined : existing(dir, one);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The entry of a Node app, absolute: the file that a setting, a field or a script names, even when the build has yet to
 * make it; else a usual file that exists.
 */
export function findNodeEntry({ dir, json, named, binary, told }: EntryClues): Told<string> | undefined {
  const setting = named === undefined ? undefined : { value: named, by: '"gantry.entry"' };
  const builds = json.scripts?.["build"] !== undefined;
  // `tsx src/index.ts` may stand beside a build whose result `main` names.
  const source = builds && told !== undefined && !/\.[cm]?js$/.test(told.value);
  const first = [setting, ownBin(json, binary), source ? undefined : told];
  const found = [...first, fieldOf(json, "main"), fieldOf(json, "module"), told].find(
    (one) => one !== undefined,
  );
  if (found !== undefined) return { value: join(dir, found.value), by: found.by };
  // What the script makes, and where it puts it, is unknown before it has run.
  if (builds) return undefined;
  const usual = USUAL_ENTRIES.map((candidate) => join(dir, candidate)).find(isFile);
  return usual === undefined ? undefined : { value: usual, by: "its name" };
}

function ownBin(json: PackageJson, binary: string): Told<string> | undefined {
  const value = binEntries(json, json.name ?? "").find(([key]) => key === binary)?.[1];
  return value === undefined ? undefined : { value, by: '"bin"' };
}

function binEntries(json: PackageJson, name: string): [string, string][] {
  const bin: unknown = json.bin;
  if (typeof bin === "string") return [[withoutScope(name), bin]];
  if (typeof bin !== "object" || bin === null) return [];
  return Object.entries(bin).filter((entry): entry is [string, string] => typeof entry[1] === "string");
}

function withoutScope(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

function fieldOf(json: PackageJson, name: "main" | "module"): Told<string> | undefined {
  const value = json[name];
  return typeof value === "string" ? { value, by: `"${name}"` } : undefined;
}

function existing(dir: string, { value, by }: Told<string>): Told<string> | undefined {
  const found = [value, ...EXTENSIONS.map((extension) => `${value}.${extension}`)]
    .map((candidate) => join(dir, candidate))
    .find(isFile);
  return found === undefined ? undefined : { value: found, by };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
