/** Documents the commands of both sides, from the same definitions as their --help. */
import type { ArgDef, CommandDef } from "citty";
import { createScratch } from "../../src/build/index.ts";
import { buildSideCommands, LATER } from "../../src/commands/index.ts";
import { createLog } from "../../src/base/log.ts";
import { lightCommands } from "../../src/launcher/commands/commands.ts";
import { serviceCommands } from "../../src/launcher/commands/service-commands.ts";
import type { Session } from "../../src/launcher/session.ts";
import { code, codes, table } from "./cells.ts";

/** A command as people type it, with its arguments. */
interface Documented {
  readonly name: string;
  readonly description: string;
  readonly args: readonly (readonly [name: string, definition: ArgDef])[];
}

/** A definition only stores its context until its command runs, and none runs here. */
const building = documented(
  buildSideCommands({
    environment: {},
    log: createLog({ format: "plain", level: "silent", write: () => undefined }),
    scratch: createScratch(),
    print: () => undefined,
    confirm: undefined,
    signal: new AbortController().signal,
    self: { path: process.execPath, versions: process.versions, arch: process.arch },
    terminal: { columns: undefined, colour: false },
    setExit: () => undefined,
  }),
);
const session = {} as Session;
const hosting = documented({ ...lightCommands(session), ...serviceCommands(session) });

function documented(commands: Readonly<Record<string, CommandDef>>): Documented[] {
  return Object.entries(commands).map(([name, { meta, args }]) => {
    if (typeof meta !== "object" || !("description" in meta))
      throw new TypeError(`${name} says nothing of itself`);
    if (typeof args === "function" || args instanceof Promise)
      throw new TypeError(`the arguments of ${name} are no table`);
    return { name, description: meta.description ?? "", args: Object.entries(args ?? {}) };
  });
}

const summaries = (prefix: string, commands: readonly Documented[]): string[][] =>
  commands.map(({ name, description }) => [code(`${prefix} ${name}`), description]);

/** A table with one line for each command. */
export function commandTable(): string {
  const rows = [...summaries("npx gantry", building), ...summaries("./gantry", hosting)];
  return table(["command", "does"], rows);
}

export function buildingReference(): string {
  const later = `Reserved for a later version: ${codes(LATER)}.`;
  return [...building.map((command) => section("npx gantry", command)), later].join("\n\n");
}

export function hostingReference(): string {
  return hosting.map((command) => section("./gantry", command)).join("\n\n");
}

function section(prefix: string, { name, description, args }: Documented): string {
  const positionals = args.filter(([, { type }]) => type === "positional");
  const flags = args.filter(([, { type }]) => type !== "positional");
  const usage = [prefix, name, ...positionals.map((arg) => operand(...arg))].join(" ");
  const rows = [
    ...positionals.map((arg) => [code(operand(...arg)), meaning(arg[1])]),
    ...flags.map((arg) => [code(flag(...arg)), meaning(arg[1])]),
  ];
  const parts = [`### ${code(usage)}`, `${description}.`];
  return [...parts, ...(rows.length === 0 ? [] : [table(["takes", "means"], rows)])].join("\n\n");
}

/** A last operand in the plural takes any number (src/base/command-line.ts). */
function operand(name: string, { required, valueHint }: ArgDef): string {
  const word = valueHint ?? (name.endsWith("s") ? `${name.slice(0, -1)}…` : name).toUpperCase();
  return required === false ? `[${word}]` : word;
}

/** A flag that is on by default is documented by the name that turns it off. */
function flag(name: string, definition: ArgDef): string {
  const { type, valueHint } = definition;
  if (type === "boolean" && definition.default === true) return `--no-${name}`;
  if (type === "boolean") return valueHint === undefined ? `--${name}` : `--${name}[=${valueHint}]`;
  const values = type === "enum" ? (definition.options ?? []).join("|") : valueHint;
  return `--${name} ${values ?? name.toUpperCase()}`;
}

function meaning(definition: ArgDef): string {
  const { type, description = "" } = definition;
  if (type === "boolean" && definition.default === true) return definition.negativeDescription ?? description;
  const value = type === "boolean" ? undefined : definition.default;
  return value === undefined ? description : `${description}; ${code(String(value))} when left out`;
}
