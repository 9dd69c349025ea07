/** `gantry check` as a citty definition: its arguments and its output. */
import type { CommandDef } from "citty";
import { defineCommand } from "../base/command-line.ts";
import { json } from "./arguments.ts";
import type { CommandContext } from "./command-context.ts";

export function checkCommand({ environment, print, self, terminal, setExit }: CommandContext): CommandDef {
  return defineCommand({
    meta: {
      name: "check",
      description: "Will these native files load here, in that runtime? Runs none of them",
    },
    args: {
      files: { type: "positional", required: true, description: "native modules, or directories of them" },
      runtime: {
        type: "string",
        valueHint: "EXE",
        description: "the Node, Bun or compiled app that will load them",
      },
      host: {
        type: "string",
        valueHint: "FACTS.json",
        description: "another host's `./gantry doctor --json` instead of this machine",
      },
      json,
    },
    async run({ args }) {
      const { runCheck } = await import("../check/index.ts");
      const { exit, output } = await runCheck({
        paths: args._,
        runtime: args.runtime,
        hostFactsFile: args.host,
        json: args.json === true,
        environment,
        self,
        columns: terminal.columns,
        colour: terminal.colour,
      });
      print(output.trimEnd());
      setExit(exit);
    },
  });
}
