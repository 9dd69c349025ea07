/** `./gantry prepare`: what the first start would do, without starting; for image builds and for owners. */
import { defineCommand } from "../command-line.ts";
import { GantryError } from "../errors.ts";
import { ensureReady, networkRule, openRelease, type Session } from "./session.ts";

export function prepareCommand(session: Session) {
  return defineCommand({
    meta: { name: "prepare", description: "Makes the modules ready now; does nothing when they are" },
    args: {
      offline: { type: "boolean", description: "use no network" },
      from: { type: "string", valueHint: "BUNDLE|URL", description: "not in this version" },
    },
    run: ({ args }) =>
      prepare(session, { from: args.from, offline: args.offline === true ? "offline" : "as set" }),
  });
}

async function prepare(
  session: Session,
  options: { readonly from: string | undefined; readonly offline: "offline" | "as set" },
): Promise<void> {
  if (options.from !== undefined) {
    throw new GantryError({
      code: "USAGE",
      what: "./gantry prepare --from is not in this version; it comes with a later one",
      fix: "run ./gantry prepare without it, where the registry can be reached",
    });
  }
  const opened = openRelease(session);
  const { how, stamped } = await ensureReady(session, opened, {
    network: networkRule(session.settings, options.offline),
  });
  if (how === "ready") session.log.info("the modules are ready already");
  else if (how === "proven") session.log.info("the modules that were there are right, and load on this host");
  else if (how === "waited") session.log.info("the modules are ready; another process prepared them");
  if (!stamped) {
    session.log.warn(
      `nothing can be written to ${opened.place.modules}, so every start checks the modules again`,
    );
  }
}
