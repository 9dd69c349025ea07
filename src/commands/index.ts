/**
 * The door of the commands room: the commands of the build side, for src/cli.ts. Each imports its implementation when
 * it runs, so that `check` does not wait for the bundler's modules.
 */
import type { CommandDef } from "citty";
import { analyzeCommand } from "./analyze.ts";
import { buildCommand } from "./build.ts";
import { bundleCommand } from "./bundle.ts";
import { checkCommand } from "./check.ts";
import type { CommandContext } from "./command-context.ts";
import { dockerCommand } from "./docker.ts";
import { initCommand } from "./init.ts";
import { keygenCommand, signCommand, verifyCommand } from "./signing.ts";

/** Planned commands that this version does not have. */
export const LATER = ["history"] as const;

export function buildSideCommands(context: CommandContext): Record<string, CommandDef> {
  return {
    init: initCommand(context),
    build: buildCommand(context),
    analyze: analyzeCommand(context),
    bundle: bundleCommand(context),
    docker: dockerCommand(context),
    check: checkCommand(context),
    keygen: keygenCommand(context),
    sign: signCommand(context),
    verify: verifyCommand(context),
  };
}
