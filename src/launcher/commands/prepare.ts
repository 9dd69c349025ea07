/**
 * `./gantry prepare`: makes the modules ready as a first start does, and does not start the app. For image builds, and
 * for releases that the users who start them cannot write to.
 */
import { defineCommand } from "../../base/command-line.ts";
import { GantryError } from "../../base/errors.ts";
import { cleanStaleFiles } from "../../modules/index.ts";
import { networkRule } from "../source-plan.ts";
import { ensureReady, openRelease, type Session } from "../session.ts";

export function prepareCommand(session: Session) {
  return defineCommand({
    meta: { name: "prepare", description: "Makes the modules ready now; does nothing when they are" },
    args: {
      offline: { type: "boolean", description: "use no network" },
      from: {
        type: "string",
        valueHint: "BUNDLE|URL",
        description: "take them from this bundle: a file, a directory that holds it, https: or oci:",
      },
    },
    run: ({ args }) =>
      prepare(session, { from: args.from, caller: args.offline === true ? "--offline" : "command" }),
  });
}

async function prepare(
  session: Session,
  options: { readonly from: string | undefined; readonly caller: "--offline" | "command" },
): Promise<void> {
  if (options.from === "") {
    throw new GantryError({
      code: "USAGE",
      what: "--from is given without a bundle",
      fix: "name the bundle's file, a directory that holds it, or its address",
    });
  }
  const opened = openRelease(session);
  const { how, stamped, location } = await ensureReady(session, opened, {
    network: networkRule(session, opened.release, options.caller),
    from: options.from,
  });
  if (location.store !== undefined) session.log.info(`the modules lie in ${location.modules}`);
  await cleanStaleFiles(location, session.signal);
  if (how === "ready") session.log.info("the modules are ready already");
  else if (how === "proven") session.log.info("the modules that were there are right, and load on this host");
  else if (how === "waited") session.log.info("the modules are ready; another process prepared them");
  if (!stamped) {
    session.log.warn(
      `nothing can be written to ${location.modules}, so every start checks the modules again`,
    );
  }
}
