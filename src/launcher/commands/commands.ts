/** The management commands of a release: the command line of `./gantry`. */
import type { CommandDef } from "citty";
import { runCommandLine } from "../../base/command-line.ts";
import { doctorCommand } from "../doctor/doctor.ts";
import { healthCommand } from "./health.ts";
import { prepareCommand } from "./prepare.ts";
import type { Session } from "../session.ts";
import { verifyCommand } from "./verify.ts";
import { readVersion } from "./version.ts";

/** Commands for which the launcher does not load the file with the service's commands. Containers run them often. */
const LIGHT = ["prepare", "doctor", "verify", "health"] as const;

/**
 * Runs the command that the arguments name.
 * @throws GantryError USAGE for a command line that is not understood; what the command throws
 */
export async function runCommands(session: Session, rawArgs: readonly string[]): Promise<void> {
  const light = LIGHT.some((name) => name === rawArgs[0]);
  const service = light ? {} : (await import("./service-commands.ts")).serviceCommands(session);
  const line = {
    name: "./gantry",
    side: "launcher",
    version: readVersion(session.root),
    description: "Looks after this release: its native modules, and its service",
    commands: { ...lightCommands(session), ...service },
    later: [],
  } as const;
  await runCommandLine(line, rawArgs, session);
}

/** The definitions of the commands in LIGHT. */
export function lightCommands(session: Session): Record<(typeof LIGHT)[number], CommandDef> {
  return {
    prepare: prepareCommand(session),
    doctor: doctorCommand(session),
    verify: verifyCommand(session),
    health: healthCommand(session),
  };
}
