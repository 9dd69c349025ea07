/**
 * Finds what an app without the settings `runtime`, `entry` and `node` says about them to others: package managers,
 * version managers, and the scripts that compile and start it. Reads files beside package.json, and runs nothing.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join, normalize } from "node:path";
import type { PackageJson } from "pkg-types";
import { findFramework, type FoundFramework } from "./frameworks.ts";
import { chooseNode, type ChosenNode, type Told } from "./node-version.ts";
import {
  parseCompileCommand,
  parseStartCommand,
  type CompileCommand,
  type StartCommand,
} from "./start-command.ts";

type Runtime = "bun" | "node";

export interface Defaults {
  /** Undefined when nothing says it. */
  readonly runtime: Told<Runtime> | undefined;
  /** The file that a script compiles or starts, relative to the app. It may not exist before the app's build. */
  readonly entry: Told<string> | undefined;
  /** The name that `bun build --compile --outfile` gives the binary. */
  readonly binary: Told<string> | undefined;
  /** For an app that runs on Node. */
  readonly node: ChosenNode;
  /** The framework whose build makes the server. */
  readonly framework: FoundFramework | undefined;
}

/** An app, and the workspace that it belongs to. */
export interface ClueSource {
  readonly dir: string;
  readonly json: PackageJson;
  /** The workspace's root; `dir` itself when there is none. */
  readonly root: string;
  /** Version of the Node that runs gantry. */
  readonly running: string;
}

/** Scripts that start an app, those for production first. */
const STARTS = ["start:prod", "start:production", "prod", "production", "start", "serve", "server"] as const;

/** Of a Vite app with a server of its own, this script starts what was built. Elsewhere it only serves files. */
const PREVIEW = "preview";

/** Finds the defaults of an app. */
export function readDefaults(source: ClueSource): Defaults {
  const { dir, json, root, running } = source;
  const compiled = compiledByBun(json);
  const start = readStartScript(json);
  const manifests = dir === root ? [json] : [json, readManifest(root)];
  const framework = findFramework(dir, json);
  const runtime = compiled === undefined ? startRuntime(start) : { value: "bun" as const, by: compiled.by };
  return {
    runtime: runtime ?? frameworkRuntime(framework) ?? declaredRuntime(source, manifests),
    entry: startedFile(source, compiled, start) ?? madeFile(framework),
    binary:
      compiled?.value.binary === undefined ? undefined : { value: compiled.value.binary, by: compiled.by },
    node: chooseNode(readNodeVersions([dir, root], manifests), running),
    framework,
  };
}

/** The file that a script compiles or starts. */
function startedFile(
  { dir, json }: ClueSource,
  compiled: Told<CompileCommand> | undefined,
  start: Told<StartCommand> | undefined,
): Told<string> | undefined {
  const file = compiled?.value.file ?? start?.value.file;
  const by = compiled?.by ?? start?.by;
  return file === undefined || by === undefined ? undefined : { value: resolveEntry(dir, file, json), by };
}

/** The file that the framework's build makes, whose server a script may start by the framework's own program. */
function madeFile(found: FoundFramework | undefined): Told<string> | undefined {
  const { entry, name } = found?.framework ?? {};
  return entry === undefined || name === undefined ? undefined : { value: entry, by: name };
}

/** Builds of frameworks make JavaScript for Node, whatever manages the packages. */
function frameworkRuntime(found: FoundFramework | undefined): Told<Runtime> | undefined {
  return found === undefined ? undefined : { value: "node", by: found.framework.name };
}

/** The script that starts the app, and what it starts. */
export function readStartScript(json: PackageJson): Told<StartCommand> | undefined {
  const scripts = json.scripts ?? {};
  for (const name of [...STARTS, PREVIEW]) {
    const text: unknown = scripts[name];
    const value = typeof text === "string" ? parseStartCommand(text, scripts) : undefined;
    if (value === undefined || (name === PREVIEW && value.file === undefined)) continue;
    return { value, by: `the script "${name}"` };
  }
  return undefined;
}

function compiledByBun({ scripts }: PackageJson): Told<CompileCommand> | undefined {
  for (const [name, text] of Object.entries(scripts ?? {})) {
    const value = typeof text === "string" ? parseCompileCommand(text) : undefined;
    if (value !== undefined) return { value, by: `the script "${name}"` };
  }
  return undefined;
}

function startRuntime(start: Told<StartCommand> | undefined): Told<Runtime> | undefined {
  return start === undefined ? undefined : { value: start.value.runtime, by: start.by };
}

const bun = (by: string): Told<Runtime> => ({ value: "bun", by });

function declaredRuntime(
  { dir, root }: ClueSource,
  manifests: readonly PackageJson[],
): Told<Runtime> | undefined {
  const manager = manifests.map((json) => asText(json.packageManager)).find((name) => name !== undefined);
  if (manager?.startsWith("bun@") === true) return bun('"packageManager"');
  if (manifests.some((json) => asText(json.engines?.["bun"]) !== undefined)) return bun('"engines.bun"');
  for (const directory of new Set([dir, root])) {
    const lock = ["bun.lock", "bun.lockb"].find((name) => existsSync(join(directory, name)));
    if (lock !== undefined) return bun(lock);
  }
  for (const name of ["bun", "@types/bun", "bun-types"]) {
    if (
      manifests.some(({ dependencies, devDependencies }) => name in { ...dependencies, ...devDependencies })
    )
      return bun(`its dependency ${name}`);
  }
  const [version] = readNodeVersions([dir, root], manifests);
  if (version !== undefined) return { value: "node", by: version.by };
  return manager === undefined ? undefined : { value: "node", by: '"packageManager"' };
}

/** What an app says of its Node, the most telling first. */
function readNodeVersions(directories: readonly string[], manifests: readonly PackageJson[]): Told<string>[] {
  const found: Told<string>[] = [];
  const add = (value: unknown, by: string): void => {
    if (typeof value === "string" && value.trim() !== "") found.push({ value: value.trim(), by });
  };
  for (const json of manifests) add(field(json["volta"], "node"), '"volta.node"');
  for (const name of [".node-version", ".nvmrc"]) {
    for (const directory of new Set(directories)) add(firstLine(join(directory, name)), name);
  }
  for (const json of manifests) {
    add(json.engines?.["node"], '"engines.node"');
    const engine = field(json["devEngines"], "runtime");
    if (field(engine, "name") === "node") add(field(engine, "version"), '"devEngines.runtime"');
  }
  return found;
}

/**
 * The path of the file that a command names, relative to the app. A file that does not exist yet gets the ending of
 * compiled JavaScript.
 */
export function resolveEntry(dir: string, named: string, json: PackageJson): string {
  const path = normalize(named).replace(/\/$/, "");
  if (path === ".")
    return resolveEntry(dir, json.main === undefined || json.main === "." ? "index.js" : json.main, json);
  const candidates = ["", ".js", ".mjs", ".cjs", "/index.js", "/index.mjs", "/index.cjs"].map(
    (end) => path + end,
  );
  const found = candidates.find((one) => statSync(join(dir, one), { throwIfNoEntry: false })?.isFile());
  if (found !== undefined || !/(?:^|\/)[^/.]+$/.test(path)) return found ?? path;
  // `node dist` names a directory, `node dist/main` a file.
  return path.includes("/") ? `${path}.js` : `${path}/index.js`;
}

function readManifest(directory: string): PackageJson {
  try {
    return JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as PackageJson;
  } catch {
    // A damaged package.json above the app says nothing, and is no error of the app.
    return {};
  }
}

/** The first line of a file that is no comment. */
function firstLine(path: string): string | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*$/, "").trim())
    .find((line) => line !== "");
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
