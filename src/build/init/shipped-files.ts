/** Says which files of an app its release needs beside the compiled code, and how its migrations are run. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PackageJson } from "pkg-types";
import { parseStartCommand, resolveEntry, type Told } from "../clues/index.ts";
import { isOutputName } from "../app/index.ts";
import { findInSources } from "./app-files.ts";
import type { Known } from "./known.ts";
import { START_FILE } from "./start-file.ts";

/** Directories from which apps read files when they run. */
const READ_AT_RUN_TIME = [
  "public",
  "static",
  "assets",
  "views",
  "templates",
  "locales",
  "migrations",
  "drizzle",
  "prisma",
  "db",
  "config",
];

/**
 * Says whether a Node app is taken as it is, although it has a `build` script: it is a published package. Such a one has
 * the JavaScript that the script made, and neither version control nor, in general, the script's tools and sources.
 */
export function takesAsIs({ dir, root, json, files }: Known, entry: string): boolean {
  if (!files.has(entry)) return false;
  if (json.scripts?.["build"] === undefined) return true;
  const developed = [dir, root].some((directory) =>
    [".git", ".gitignore", ".hg"].some((name) => existsSync(join(directory, name))),
  );
  const typed =
    files.names.includes("tsconfig.json") &&
    [...files.sources.keys()].some((path) => /^src\/.*\.[cm]?tsx?$/.test(path));
  return !developed && !typed;
}

/**
 * Says whether lib/app has to hold the whole app: JavaScript that is no output of a build lies where it belongs, and
 * compiled code may read what lies beside its directory.
 * @param asIs whether no build makes the JavaScript
 */
export function needsWholeApp({ files, framework }: Known, entry: string, asIs: boolean): boolean {
  const top = entry.split("/")[0] ?? "";
  if (entry === START_FILE) return true;
  if (!entry.includes("/") || framework?.entry === entry) return false;
  if (asIs && !isOutputName(top)) return true;
  return READ_AT_RUN_TIME.some((name) => name !== top && files.has(name) && isNamed(files, name));
}

/** The directories that a compiled app reads, as its sources name them. */
export function findIncluded({ files }: Known): Told<readonly string[]> | undefined {
  const value = READ_AT_RUN_TIME.filter((name) => files.has(name) && isNamed(files, name));
  return value.length === 0 ? undefined : { value, by: "what its sources name" };
}

function isNamed(files: Known["files"], name: string): boolean {
  return findInSources(files, new RegExp(`["'\`](?:\\.{0,2}/)*${name}(?:/[^"'\`]*)?["'\`]`)) !== undefined;
}

const MIGRATION = /^(?:db[:-])?migrat(?:e|ions?)(?:[:-](?:run|up|deploy|latest|prod))?$/;

/** The arguments by which the app itself runs its migrations: a script of such a name that starts the entry. */
export function findActivate({ dir, json }: Known, entry: string): Told<readonly string[]> | undefined {
  for (const [name, text] of Object.entries(scriptsOf(json))) {
    const command = MIGRATION.test(name) ? parseStartCommand(text, json.scripts) : undefined;
    if (command?.file === undefined || command.arguments.length === 0) continue;
    const file = resolveEntry(dir, command.file, json);
    if (file === entry || stem(file) === stem(entry))
      return { value: command.arguments, by: `the script "${name}"` };
  }
  return undefined;
}

function scriptsOf({ scripts }: PackageJson): Record<string, string> {
  return Object.fromEntries(
    Object.entries(scripts ?? {}).filter((one): one is [string, string] => typeof one[1] === "string"),
  );
}

/** A path without its first directory and ending: src/main.ts becomes dist/main.js. */
function stem(path: string): string {
  const inside = path.includes("/") ? path.slice(path.indexOf("/") + 1) : path;
  return join(dirname(inside), inside.replace(/^.*\//, "").replace(/\.[cm]?[jt]sx?$/, ""));
}
