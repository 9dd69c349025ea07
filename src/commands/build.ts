/** `gantry build` as a citty definition: its arguments and its output. */
import type { ArgsDef, CommandDef } from "citty";
import { defineCommand, flagList, flagValues } from "../base/command-line.ts";
import { app, bun, json, target } from "./arguments.ts";
import { toGantryError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { jsonText } from "../base/text.ts";
import type { CommandContext } from "./command-context.ts";

const INSTALLS: ("first-run" | "image" | "vendor")[] = ["first-run", "image", "vendor"];

/** The log, which also keeps what it warns of. */
function withWarnings(log: Log, warnings: string[]): Log {
  const warn = (text: string): void => {
    warnings.push(text);
    log.warn(text);
  };
  return { ...log, warn: Object.assign(warn, { raw: warn }) };
}

/** The arguments of the command. */
const ARGUMENTS = {
  app,
  target,
  out: { type: "string", valueHint: "DIR", default: "releases", description: "where the results go" },
  bun,
  vendor: {
    type: "boolean",
    valueHint: "T,…",
    description: "put a bundle into the release: of its own target when none is named (--vendor alone)",
  },
  prune: {
    type: "boolean",
    default: true,
    description: "leave out what no start reads",
    negativeDescription: "ship the modules with their sources, maps, declarations and documentation",
  },
  archive: {
    type: "boolean",
    default: true,
    description: "pack the release into a .tar.gz beside it",
    negativeDescription: "make the release's directory only, in about half the time",
  },
  smoke: {
    type: "boolean",
    default: true,
    description: "start the finished release, as far as this machine can",
    negativeDescription: "do not start the finished release",
  },
  install: {
    type: "enum",
    options: INSTALLS,
    description: "how the release gets its modules",
  },
  json: { ...json, description: "for programs: one document on stdout at the end" },
  "public-key": {
    type: "string",
    valueHint: "KEY|FILE",
    description: "the minisign key that bundles and upgrades must be signed by",
  },
} satisfies ArgsDef;

export function buildCommand({ environment, log, scratch, print, signal }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "build", description: "Makes the release directory and its archive" },
    args: ARGUMENTS,
    async run({ args, rawArgs }) {
      const targets = flagValues(rawArgs, "target");
      const { buildRelease, describeBuild, describeFailure } = await import("../index.ts");
      const warnings: string[] = [];
      const building = buildRelease({
        appDir: args.app,
        targets,
        out: args.out,
        bun: args.bun,
        vendor: flagList(rawArgs, "vendor"),
        install: args.install,
        prune: args.prune ? "on" : "off",
        archive: args.archive ? "on" : "off",
        smoke: args.smoke ? "on" : "off",
        publicKey: args["public-key"],
        environment,
        log: args.json === true ? withWarnings(log, warnings) : log,
        scratch,
        signal,
      });
      if (args.json === true) {
        const failed = (error: unknown): never => {
          if (!signal.aborted) print(jsonText(describeFailure(toGantryError(error), warnings)));
          throw error;
        };
        return print(jsonText(describeBuild(await building.catch(failed), warnings)));
      }
      const built = await building;
      for (const { directory, archive } of built)
        print(archive === undefined ? directory : `${directory}\n${archive}`);
    },
  });
}
