/** `gantry analyze` as a citty definition: what it takes, what it prints. */
import type { CommandDef } from "citty";
import { defineCommand, flagValues } from "../command-line.ts";
import { app, bun, json, target } from "./arguments.ts";
import type { CommandContext } from "./context.ts";

export function analyzeCommand({ environment, print }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "analyze", description: "Explains which modules must stay outside the binary" },
    args: { app, target, bun, json },
    async run({ args, rawArgs }) {
      const [name] = flagValues(rawArgs, "target");
      const { analyze } = await import("../index.ts");
      const report = await analyze({ appDir: args.app, target: name, bun: args.bun, environment });
      print(args.json === true ? JSON.stringify(report.json, null, 2) : report.text);
    },
  });
}
