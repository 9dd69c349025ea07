/** `gantry init` as a citty definition: its arguments and its output. */
import type { CommandDef } from "citty";
import { defineCommand } from "../base/command-line.ts";
import { jsonText } from "../base/text.ts";
import { app, json } from "./arguments.ts";
import type { CommandContext } from "./command-context.ts";

export function initCommand({ confirm, log, print }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "init", description: "Reads an app, proposes its settings, and writes them after a yes" },
    args: {
      app,
      yes: { type: "boolean", description: "write without asking" },
      json: { ...json, description: "for programs; asks nothing, and writes only with --yes" },
    },
    async run({ args }) {
      const { formatProposal, initApp } = await import("../index.ts");
      const asked = args.json === true ? undefined : confirm;
      const result = await initApp({
        appDir: args.app,
        confirm: async (proposal) => {
          if (args.yes === true || asked === undefined) return args.yes === true;
          print(proposal);
          return await asked("write this?");
        },
      });
      if (args.json === true) return print(jsonText(result));
      print(formatProposal(result));
      const changes = result.settings.length + result.files.length > 0;
      if (changes && !result.written)
        log.info("nothing was written: gantry init --yes writes without asking");
    },
  });
}
