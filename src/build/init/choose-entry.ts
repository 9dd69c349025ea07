/** Chooses the file that starts an app, with the arguments that its service passes. */
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { PackageJson } from "pkg-types";
import {
  findBunEntry,
  findNodeEntry,
  parseStartCommand,
  parseWords,
  readStartScript,
  resolveEntry,
  type StartCommand,
  type Told,
} from "../clues/index.ts";
import { findInSources, type AppFiles } from "./app-files.ts";
import type { Known } from "./known.ts";
import { START_FILE, startFile } from "./start-file.ts";

/** The path of the entry, relative to the app. */
export interface ChosenEntry extends Told<string> {
  readonly arguments: readonly string[];
  readonly argumentsBy?: string;
  /** The entry itself, when it has to be made. */
  readonly file?: { readonly path: string; readonly text: string };
}

/** Chooses the entry. Undefined when nothing names one. */
export function chooseEntry(known: Known): ChosenEntry | undefined {
  const { dir, json, binary, told, runtime, framework, files } = known;
  const settings = json["gantry"];
  const named =
    typeof settings === "object" &&
    settings !== null &&
    "entry" in settings &&
    typeof settings.entry === "string"
      ? settings.entry
      : undefined;
  const start = readStart(known);
  const file = start?.value.file;
  const started =
    file === undefined ? told.entry : { value: resolveEntry(dir, file, json), by: start?.by ?? "" };
  const find = runtime === "node" ? findNodeEntry : findBunEntry;
  const found = find({ dir, json, named, binary, told: started });
  const entry = found === undefined ? undefined : { value: relative(dir, found.value), by: found.by };
  if (entry !== undefined && (named !== undefined || entry.by === '"bin"'))
    return withArguments(entry, start, files);
  if (framework?.entry !== undefined && file === undefined)
    return { value: framework.entry, by: framework.name, arguments: [] };
  const program = runtime === "node" && file === undefined ? packageProgram(known, start?.value) : undefined;
  if (program !== undefined) {
    const own = { path: START_FILE, text: startFile(program) };
    return {
      value: START_FILE,
      by: `${start?.by ?? ""}, which runs ${program.program}`,
      arguments: [],
      file: own,
    };
  }
  return entry === undefined ? undefined : withArguments(entry, start, files);
}

/** A command of commander, yargs or cac: `.command("start")`, or `new Command("start")`. */
const COMMAND = /(?:\.command|\bnew\s+(?:[\w$]+\.)?Command)\(\s*["'`](start|serve)\b/;

/** The arguments of the start command when it starts this entry; else the command that a program of this kind takes. */
function withArguments(
  entry: Told<string>,
  start: Told<StartCommand> | undefined,
  files: AppFiles,
): ChosenEntry {
  if (start !== undefined && start.by === entry.by)
    return { ...entry, arguments: start.value.arguments, argumentsBy: start.by };
  if (entry.by !== '"bin"') return { ...entry, arguments: [] };
  const command = findInSources(files, COMMAND);
  const word = command?.match[1];
  return word === undefined
    ? { ...entry, arguments: [] }
    : { ...entry, arguments: [word], argumentsBy: `the command in ${command?.path}` };
}

/** How the app is started: by a script for production, the Procfile, the Dockerfile, or another script. */
function readStart({ json, files, framework }: Known): Told<StartCommand> | undefined {
  const script = readStartScript(json);
  if (script !== undefined && /prod/.test(script.by)) return script;
  const image = readDockerfile(files, json);
  // An image of a framework's output names files relative to that output.
  const elsewhere = framework?.entry !== undefined && !files.has(image?.value.file ?? "");
  return readProcfile(files, json) ?? (elsewhere ? undefined : image) ?? script;
}

function readProcfile({ read }: AppFiles, json: PackageJson): Told<StartCommand> | undefined {
  const line = /^web:\s*(.+)$/m.exec(read("Procfile") ?? "")?.[1];
  const value = line === undefined ? undefined : parseStartCommand(line, json.scripts);
  return value === undefined ? undefined : { value, by: "the Procfile" };
}

function readDockerfile({ read }: AppFiles, json: PackageJson): Told<StartCommand> | undefined {
  const text = read("Dockerfile") ?? "";
  for (const instruction of ["CMD", "ENTRYPOINT"]) {
    const line = [...text.matchAll(new RegExp(`^\\s*${instruction}\\s+(.+)$`, "gim"))].at(-1)?.[1];
    const words = line === undefined ? undefined : jsonWords(line);
    const value =
      words === undefined
        ? parseStartCommand(line ?? "", json.scripts)
        : parseWords(words, json.scripts ?? {});
    // An image may have its own paths: only a file that the app has, or a build may make, counts.
    if (value !== undefined && !(value.file ?? "").startsWith("/")) return { value, by: "the Dockerfile" };
  }
  return undefined;
}

function jsonWords(line: string): string[] | undefined {
  if (!line.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return Array.isArray(value) ? value.filter((word) => typeof word === "string") : undefined;
  } catch {
    return undefined;
  }
}

/** The package whose program a start command runs: one of the dependencies. */
function packageProgram(
  { dir, root, json, framework }: Known,
  start: StartCommand | undefined,
): { package: string; program: string; arguments: readonly string[] } | undefined {
  const program = start?.program;
  if (start === undefined || program === undefined) return undefined;
  const names = Object.keys(json.dependencies ?? {});
  const installed = names.find((name) => programsOf([dir, root], name).includes(program));
  const known = names.find(
    (name) => name === program || KNOWN[program] === name || framework?.packages.includes(name),
  );
  const owner = installed ?? known;
  return owner === undefined ? undefined : { package: owner, program, arguments: start.arguments };
}

/** Packages of programs that have other names, for an app that is not installed. */
const KNOWN: Readonly<Record<string, string>> = {
  "react-router-serve": "@react-router/serve",
  "remix-serve": "@remix-run/serve",
  strapi: "@strapi/strapi",
  fastify: "fastify-cli",
};

function programsOf(directories: readonly string[], name: string): string[] {
  const file = directories
    .map((directory) => join(directory, "node_modules", name, "package.json"))
    .find((path) => existsSync(path));
  if (file === undefined) return [];
  const { bin } = JSON.parse(readFileSync(file, "utf8")) as PackageJson;
  return typeof bin === "string" ? [name.slice(name.indexOf("/") + 1)] : Object.keys(bin ?? {});
}
