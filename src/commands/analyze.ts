/** `gantry analyze` as a citty definition: its arguments and its output. */
import type { CommandDef } from "citty";
import { defineCommand, flagValues } from "../base/command-line.ts";
import { GantryError } from "../base/errors.ts";
import { app, bun, json, target } from "./arguments.ts";
import type { CommandContext } from "./command-context.ts";
import { jsonText } from "../base/text.ts";

export function analyzeCommand({ environment, scratch, print, signal }: CommandContext): CommandDef {
  return defineCommand({
    meta: { name: "analyze", description: "Explains which modules must stay outside the binary" },
    args: {
      app,
      target: { ...target, valueHint: "T", description: "for this platform instead of the machine's own" },
      bun,
      json,
    },
    async run({ args, rawArgs }) {
      const [name, ...more] = flagValues(rawArgs, "target");
      if (more.length > 0) {
        const what = `gantry analyze answers for one platform, and ${more.length + 1} are named`;
        throw new GantryError({ code: "USAGE", what, fix: "run it once for each --target" });
      }
      const { analyze } = await import("../index.ts");
      const options = { appDir: args.app, target: name, bun: args.bun, environment, scratch, signal };
      const report = await analyze(options);
      print(args.json === true ? jsonText(report.json) : report.text);
    },
  });
}
