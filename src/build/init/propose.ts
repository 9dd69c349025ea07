/**
 * Proposes the settings of an app from what it says about itself: package.json, lockfile, .env.example, Dockerfile,
 * Procfile, the configuration of its framework, and its sources. Nothing is run or written. Settings that the app has
 * are never proposed.
 */
import type { PackageJson } from "pkg-types";
import { GantryError } from "../../base/errors.ts";
import { defaultBinary, readDefaults, type Defaults, type Framework, type Told } from "../clues/index.ts";
import { readAppFiles } from "./app-files.ts";
import { chooseEntry, type ChosenEntry } from "./choose-entry.ts";
import { ENV_EXAMPLES, findHealth, findPort } from "./network.ts";
import type { Known, ProposalSource } from "./known.ts";
import { findActivate, findIncluded, needsWholeApp, takesAsIs } from "./shipped-files.ts";

/** One setting, with what it was taken from. */
export interface ProposedSetting {
  /** Its key below `gantry`, such as `service.port`. */
  readonly key: string;
  readonly value: unknown;
  readonly reason: string;
}

export interface Proposal {
  readonly settings: readonly ProposedSetting[];
  /** Files that the settings need, by path relative to the app. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** What could not be found out, a sentence each with what to do. */
  readonly unknown: readonly string[];
}

/**
 * Proposes settings.
 * @throws GantryError CONFIG_INVALID when the app's framework is not set up to make a server
 */
export function propose(source: ProposalSource): Proposal {
  const { dir, json } = source;
  const files = readAppFiles(dir);
  const told = readDefaults(source);
  const found = told.framework;
  if (found?.lacking !== undefined) throw unready(found.framework, found.lacking, dir);
  const framework = found?.framework;
  const runtime = chooseRuntime(source, told);
  const binary = settingOf(json, "binary") ??
    told.binary ?? { value: defaultBinary(json, json.name ?? ""), by: "package.json" };
  const known: Known = { ...source, files, told, runtime: runtime.value, binary: binary.value, framework };
  const entry = chooseEntry(known);
  const proposed = [
    setting("binary", binary),
    setting("runtime", runtime),
    ...entrySettings(known, entry),
    ...serviceSettings(known, entry),
  ];
  const settings = proposed
    .filter((one) => one !== undefined && !isSet(json, one.key))
    .flatMap((one) => one ?? []);
  const own =
    entry?.file === undefined || isSet(json, "entry") || files.has(entry.file.path) ? [] : [entry.file];
  return { settings, files: own, unknown: unknownOf(known, entry, settings) };
}

function setting(key: string, told: Told<unknown> | undefined): ProposedSetting | undefined {
  return told === undefined ? undefined : { key, value: told.value, reason: told.by };
}

function chooseRuntime({ json, dir }: ProposalSource, told: Defaults): Told<"bun" | "node"> {
  const set = settingOf(json, "runtime");
  if (set?.value === "bun" || set?.value === "node") return { value: set.value, by: set.by };
  if (isSet(json, "node") || isSet(json, "app"))
    return { value: "node", by: '"gantry.node" or "gantry.app"' };
  if (told.runtime !== undefined) return told.runtime;
  const bin = Object.values(typeof json.bin === "string" ? { own: json.bin } : (json.bin ?? {}));
  const shebang = bin.find((path) => /^#!.*\bnode\b/.test(readAppFiles(dir).read(path) ?? ""));
  if (shebang !== undefined) return { value: "node", by: `the first line of ${shebang}` };
  return { value: "bun", by: "nothing that names Node" };
}

function entrySettings(known: Known, entry: ChosenEntry | undefined): (ProposedSetting | undefined)[] {
  const { json, told, runtime } = known;
  if (entry === undefined) return [];
  const asIs = runtime === "node" && takesAsIs(known, entry.value);
  const exact = /^\d+\.\d+\.\d+$/.test(told.node.value) && told.node.problem === undefined;
  const nodes = [
    exact ? setting("node", told.node) : undefined,
    needsWholeApp(known, entry.value, asIs)
      ? setting("app", { value: ".", by: "what it reads beside its code" })
      : undefined,
    asIs && json.scripts?.["build"] !== undefined
      ? setting("build.script", {
          value: false,
          by: "a published package, which brings its JavaScript and no sources",
        })
      : undefined,
  ];
  return [
    setting("entry", entry),
    ...(runtime === "node" ? nodes : [setting("include", findIncluded(known))]),
    setting("activate", findActivate(known, entry.value)),
  ];
}

function serviceSettings(known: Known, entry: ChosenEntry | undefined): (ProposedSetting | undefined)[] {
  const { files, framework, json } = known;
  const port =
    findPort(files) ?? (framework === undefined ? undefined : { value: framework.port, by: framework.name });
  const health = port === undefined && !isSet(json, "service.port") ? undefined : findHealth(files);
  const words = entry?.arguments ?? [];
  return [
    words.length === 0
      ? undefined
      : setting("service.arguments", { value: words, by: entry?.argumentsBy ?? "" }),
    setting("service.port", port),
    setting("service.health", health),
  ];
}

function unknownOf(
  known: Known,
  entry: ChosenEntry | undefined,
  settings: readonly ProposedSetting[],
): string[] {
  const { json, told, runtime, files } = known;
  const lacks = (key: string): boolean => !isSet(json, key) && !settings.some((one) => one.key === key);
  const unknown: string[] = [];
  if (lacks("entry")) unknown.push('which file starts the app: set "gantry.entry"');
  if (runtime === "node" && lacks("node")) {
    unknown.push(
      told.node.problem === undefined
        ? `which Node exactly: each build takes the newest of ${told.node.value}, from ${told.node.by}, until "gantry.node" names one`
        : `which Node: ${told.node.problem}; set "gantry.node"`,
    );
  }
  if (lacks("service.port"))
    unknown.push('the port that it listens on: set "gantry.service.port" if it is a server');
  else if (lacks("service.health"))
    unknown.push(
      'a path that answers 2xx when it is well: set "gantry.service.health", or the port alone is watched',
    );
  if (lacks("activate") && findActivate(known, entry?.value ?? "") === undefined) {
    const place = ["migrations", "drizzle", "prisma/migrations", "db/migrations", "src/migrations"].find(
      files.has,
    );
    if (place !== undefined)
      unknown.push(
        `who runs ${place}: if the app does not at its start, set "gantry.activate" to the arguments by which it does`,
      );
  }
  const example = ENV_EXAMPLES.find(files.has);
  if (example !== undefined)
    unknown.push(`the values of ${example}: they belong into .env beside the binary, on the host`);
  return unknown;
}

function unready({ name }: Framework, fix: string, dir: string): GantryError {
  const what = `this ${name} app is not set up to make a server that starts by itself`;
  return new GantryError({ code: "CONFIG_INVALID", what, where: dir, fix });
}

/** Says whether the app's settings have a key. */
function isSet(json: PackageJson, key: string): boolean {
  let value: unknown = json["gantry"];
  for (const name of key.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return false;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return true;
}

function settingOf(json: PackageJson, name: string): Told<string> | undefined {
  const settings: unknown = json["gantry"];
  const value =
    typeof settings === "object" && settings !== null
      ? (settings as Record<string, unknown>)[name]
      : undefined;
  return typeof value === "string" ? { value, by: `"gantry.${name}"` } : undefined;
}
