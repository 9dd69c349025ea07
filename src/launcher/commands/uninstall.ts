/** `./gantry uninstall`: removes the service. Its data and settings stay, unless --purge is given. */
import { defineCommand } from "../../base/command-line.ts";
import { GantryError } from "../../base/errors.ts";
import {
  planRemovals,
  planUninstall,
  requireTraces,
  type ServiceContext,
  uninstallService,
} from "../../service/index.ts";
import { DRY_RUN_FLAG, JSON_FLAG, openService, openServiceAsRoot, runService } from "../service-session.ts";
import type { Session } from "../session.ts";

export function uninstallCommand(session: Session) {
  return defineCommand({
    meta: { name: "uninstall", description: "Removes the service; keeps its data and settings; needs root" },
    args: {
      purge: { type: "boolean", description: "removes data, settings and history too" },
      yes: { type: "boolean", description: "answers the question that --purge asks" },
      "dry-run": DRY_RUN_FLAG,
      json: JSON_FLAG,
    },
    run: ({ args }) =>
      runService(session, args.json, async () => {
        const data = args.purge === true ? "purge" : "keep";
        if (args["dry-run"] === true) return planUninstall(openService(session), data);
        const context = openServiceAsRoot(session, "uninstall");
        requireTraces(context.layout);
        if (data === "purge" && args.yes !== true) await confirmPurge(session, context);
        return uninstallService(context, { data });
      }),
  });
}

/**
 * Asks the person at the terminal to type the name of the service.
 * @throws GantryError USAGE for another answer, and when there is no terminal
 */
async function confirmPurge(session: Session, { layout, own }: ServiceContext): Promise<void> {
  const removals = await planRemovals(layout, own.name, "purge");
  const gone = removals.filter(({ stays }) => stays === undefined);
  const paths = gone.map(({ path }) => path).join(", ");
  const answer = await session.ask(
    `This removes ${paths}, and nothing brings it back.\nType ${layout.name} to go on: `,
  );
  if (answer === layout.name) return;
  throw new GantryError({
    code: "USAGE",
    what:
      answer === undefined ? "--purge asks first, and there is no terminal to ask" : "nothing was removed",
    fix: "add --yes if its data is to be removed; leave out --purge to keep it",
  });
}
