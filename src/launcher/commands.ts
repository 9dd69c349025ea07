/** The management commands of a release, as `./gantry` offers them. */
import { runCommandLine } from "../command-line.ts";
import { doctorCommand } from "./doctor.ts";
import { healthCommand } from "./health.ts";
import { prepareCommand } from "./prepare.ts";
import type { Session } from "./session.ts";
import { verifyCommand } from "./verify.ts";

/** Named by the design, made by later versions. */
const LATER = ["install", "uninstall", "upgrade", "rollback", "status", "history", "clean"];

/**
 * @throws GantryError USAGE for a command line that is not understood; what the command throws
 */
export async function runCommands(
  session: Session,
  rawArgs: readonly string[],
  output: { readonly version: string; readonly colour: boolean },
): Promise<void> {
  const line = {
    name: "./gantry",
    version: output.version,
    description: "Looks after this release's native modules",
    commands: {
      prepare: prepareCommand(session),
      doctor: doctorCommand(session),
      verify: verifyCommand(session),
      health: healthCommand(session),
    },
    later: LATER,
  };
  await runCommandLine(line, rawArgs, { print: session.print, colour: output.colour });
}
