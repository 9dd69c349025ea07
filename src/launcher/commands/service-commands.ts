/** The commands of the installed service. The build puts them into a separate file, which no start of the app reads. */
import type { CommandDef } from "citty";
import { cleanCommand } from "./clean.ts";
import { installCommand } from "./install.ts";
import type { Session } from "../session.ts";
import { historyCommand, statusCommand } from "./status.ts";
import { uninstallCommand } from "./uninstall.ts";
import { recover, rollbackCommand, upgradeCommand } from "./upgrade.ts";

export { recover };

export function serviceCommands(session: Session): Record<string, CommandDef> {
  return {
    install: installCommand(session),
    upgrade: upgradeCommand(session),
    rollback: rollbackCommand(session),
    status: statusCommand(session),
    history: historyCommand(session),
    clean: cleanCommand(session),
    uninstall: uninstallCommand(session),
  };
}
