/** `./gantry status` and `./gantry history`: the state of the service, and its past changes. */
import { defineCommand } from "../../base/command-line.ts";
import { GantryError } from "../../base/errors.ts";
import {
  formatStatus,
  type History,
  type HistoryEntry,
  readHistory,
  readRecord,
  readStatus,
  withService,
} from "../../service/index.ts";
import { JSON_FLAG, openService, openServiceAsRoot } from "../service-session.ts";
import type { Session } from "../session.ts";
import { jsonText } from "../../base/text.ts";

export function statusCommand(session: Session) {
  return defineCommand({
    meta: { name: "status", description: "The installed service: generation, health, verdict, sizes" },
    args: { json: JSON_FLAG },
    run: async ({ args }) => {
      const context = openService(session);
      await recoverAsRoot(context);
      const status = await readStatus(context.layout);
      session.print(args.json === true ? jsonText(status) : formatStatus(status, context.layout));
      if (status.health.healthy) return;
      throw new GantryError({
        code: "SERVICE_UNHEALTHY",
        what: `${status.name} ${status.version} is not well: ${status.health.why}`,
        fix: `journalctl -e -u ${status.name}; to go back: sudo ${context.layout.current}/gantry rollback`,
      });
    },
  });
}

/** What `history --json` prints. */
export type HistoryJson = { readonly schema: 1 } & History;

export function historyCommand(session: Session) {
  return defineCommand({
    meta: {
      name: "history",
      description: "Installations, upgrades and rollbacks of the service; needs root",
    },
    args: { json: JSON_FLAG },
    run: async ({ args }) => {
      const context = openServiceAsRoot(session, "history");
      await recoverAsRoot(context);
      const { entries, skipped } = readHistory(context.layout);
      if (args.json === true) session.print(jsonText({ schema: 1, entries, skipped } satisfies HistoryJson));
      else
        session.print(
          entries.length === 0 ? "nothing has happened yet" : entries.map(formatEntry).join("\n"),
        );
      if (skipped > 0)
        session.log.warn(`${skipped} lines of ${context.layout.history} are no entries, and were skipped`);
    },
  });
}

/** Recovers from an interrupted change if root runs the command. Other users can neither read its record nor end it. */
async function recoverAsRoot(context: ReturnType<typeof openService>): Promise<void> {
  if (context.uid !== 0 || readRecord(context.layout) === undefined) return;
  await withService(context, async () => undefined);
}

function formatEntry(entry: HistoryEntry): string {
  const { at, action, from, to, outcome, code, seconds, who } = entry;
  const way = [from, to].filter((name) => name !== null).join(" -> ");
  const how = code === undefined ? outcome : `${outcome} (${code})`;
  return `${at.replace(/\.\d+Z$/, "Z")}  ${action.padEnd(9)}  ${how}  ${way}  ${seconds} s  by ${who.user} (${who.uid})`;
}
