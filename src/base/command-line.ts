/**
 * Runs a command line, of `gantry` and of the launcher. citty parses the arguments and formats the usage text. This
 * file refuses what citty accepts: unknown flags and surplus arguments. Its error suggests the nearest known name.
 */
import { parseArgs, renderUsage, type ArgsDef, type CommandDef, type ParsedArgs } from "citty";
import { closest, distance } from "fastest-levenshtein";
import { stripVTControlCharacters } from "node:util";
import { GantryError, type Finding } from "./errors.ts";
import type { Side } from "./variables.ts";

/** The width in columns of the list of environment variables below citty's usage text. */
const HELP_COLUMNS = 100;

export interface CommandLine {
  /** The program as people type it: `npx gantry`, `./gantry`. */
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly commands: Readonly<Record<string, CommandDef>>;
  /** The side whose environment variables the overview of commands lists. */
  readonly side: Side;
  /** Names of commands that are planned and not in this version. */
  readonly later: readonly string[];
}

/** citty's defineCommand without the types of the arguments, so that all commands have one type. */
export function defineCommand<const T extends ArgsDef>(definition: CommandDef<T>): CommandDef {
  return definition as unknown as CommandDef;
}

export interface CommandLineOutput {
  /** Receives usage and version texts. */
  readonly print: (text: string) => void;
  readonly colour: boolean;
}

/**
 * Runs the command that the arguments name.
 * @throws GantryError USAGE for an unknown command, flag or surplus argument; whatever the command throws
 */
export async function runCommandLine(
  line: CommandLine,
  rawArgs: readonly string[],
  output: CommandLineOutput,
): Promise<void> {
  if (rawArgs[0] === "help" && rawArgs.length > 1)
    return await runCommandLine(line, [...rawArgs.slice(1), "--help"], output);
  const [name, ...rest] = rawArgs;
  const main: CommandDef = {
    meta: { name: line.name, version: line.version, description: line.description },
    subCommands: { ...line.commands },
  };
  if (name === "--version" || name === "-v") return output.print(line.version);
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const { formatSettings } = await import("./variable-texts.ts");
    const settings = formatSettings(line.side, HELP_COLUMNS);
    return output.print(`${await usage(main, undefined, output)}\n\nENVIRONMENT\n\n${settings}`);
  }
  const command = line.commands[name];
  if (command === undefined) throw new GantryError(unknownCommand(name, line));
  if (beforeDashes(rest).some((argument) => argument === "--help" || argument === "-h")) {
    return output.print(await usage(command, main, output));
  }
  const definition = (await (typeof command.args === "function" ? command.args() : command.args)) ?? {};
  checkArguments(rest, definition, `${line.name} ${name}`);
  const args = readArguments(rest, definition, `${line.name} ${name}`);
  await command.run?.({ rawArgs: rest, args, cmd: command });
}

/** Parses the arguments. An error of citty, such as a missing argument, becomes USAGE. */
function readArguments(rest: readonly string[], definition: ArgsDef, command: string): ParsedArgs {
  try {
    return parseArgs([...rest], definition);
  } catch (error) {
    const what = stripVTControlCharacters(error instanceof Error ? error.message : String(error));
    throw new GantryError({ code: "USAGE", what, fix: `${command} --help shows what it takes` });
  }
}

async function usage(
  command: CommandDef,
  parent: CommandDef | undefined,
  output: CommandLineOutput,
): Promise<string> {
  const text = await renderUsage(command, parent);
  return output.colour ? text : stripVTControlCharacters(text);
}

function unknownCommand(name: string, line: CommandLine): Finding {
  if (line.later.includes(name)) {
    return {
      code: "USAGE",
      what: `${line.name} ${name} is not in this version (${line.version}); it comes with a later one`,
      fix: `${line.name} --help lists what is`,
    };
  }
  const known = Object.keys(line.commands);
  return {
    code: "USAGE",
    what: `there is no command "${name}"`,
    fix: suggestion(name, known, (near) => `${line.name} ${near}`) ?? `use one of: ${known.join(", ")}`,
  };
}

/**
 * Refuses flags and arguments that the definition does not have, and flags without their value.
 * @throws GantryError USAGE
 */
function checkArguments(rest: readonly string[], definition: ArgsDef, command: string): void {
  const flags = Object.entries(definition).filter(([, argument]) => argument.type !== "positional");
  // By convention, a last positional argument whose name ends with "s" takes any number of values.
  const names = Object.keys(definition).filter((key) => definition[key]?.type === "positional");
  let positionals = names.at(-1)?.endsWith("s") === true ? Infinity : names.length;
  const own = beforeDashes(rest);
  for (let index = 0; index < own.length; index += 1) {
    const argument = own[index] ?? "";
    if (!argument.startsWith("-") || argument === "-") {
      positionals -= 1;
      if (positionals < 0) throw surplus(argument, command);
      continue;
    }
    const [, name = "", value] = /^--?([^=]*)(=.*)?$/s.exec(argument) ?? [];
    const known = flags.find(([key]) => key === name || `no-${key}` === name)?.[1];
    if (known === undefined)
      throw unknownFlag(
        argument,
        flags.map(([key]) => key),
        command,
      );
    if (known.type === "boolean" || value !== undefined) continue;
    index += 1;
    if (own[index] === undefined) {
      throw new GantryError({
        code: "USAGE",
        what: `--${name} needs a value`,
        fix: `${command} --help shows how`,
      });
    }
  }
}

function surplus(argument: string, command: string): GantryError {
  const what = `"${argument}" is one argument too many`;
  return new GantryError({ code: "USAGE", what, fix: `${command} --help shows what it takes` });
}

function unknownFlag(argument: string, known: readonly string[], command: string): GantryError {
  const name = argument.replace(/^-+/, "").split("=", 1)[0] ?? "";
  const near = suggestion(name, known, (flag) => `--${flag}`);
  const what = `there is no flag "${argument}"`;
  return new GantryError({ code: "USAGE", what, fix: near ?? `${command} --help lists the flags` });
}

/**
 * "use X" with the known name nearest to `name`; undefined when more than a third of its letters (rounded up) differ.
 */
function suggestion(
  name: string,
  known: readonly string[],
  spell: (near: string) => string,
): string | undefined {
  if (known.length === 0) return undefined;
  const near = closest(name, [...known]);
  return distance(name, near) <= Math.max(1, Math.ceil(near.length / 3)) ? `use ${spell(near)}` : undefined;
}

function beforeDashes(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end === -1 ? args : args.slice(0, end);
}

/** Every value of a flag that may be given more than once or as a comma-separated list. */
export function flagValues(rawArgs: readonly string[], name: string): string[] {
  const values: string[] = [];
  const own = beforeDashes(rawArgs);
  for (const [index, argument] of own.entries()) {
    if (argument === `--${name}`) values.push(own[index + 1] ?? "");
    else if (argument.startsWith(`--${name}=`)) values.push(argument.slice(name.length + 3));
  }
  return values.flatMap((value) => value.split(",")).filter((value) => value !== "");
}

/**
 * The values of a flag that may be given without one: undefined when the flag is absent, empty for `--name`, a and b
 * for `--name=a,b`. The command has to define the flag as boolean, because the next argument is never its value.
 */
export function flagList(rawArgs: readonly string[], name: string): string[] | undefined {
  const own = beforeDashes(rawArgs).filter(
    (argument) => argument === `--${name}` || argument.startsWith(`--${name}=`),
  );
  if (own.length === 0) return undefined;
  return own
    .flatMap((argument) => argument.slice(name.length + 3).split(","))
    .filter((value) => value !== "");
}
