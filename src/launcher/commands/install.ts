/** `./gantry install`: installs this release as a systemd service. */
import { defineCommand } from "../../base/command-line.ts";
import { GantryError } from "../../base/errors.ts";
import { installService, planInstall } from "../../service/index.ts";
import { diagnose } from "../doctor/doctor.ts";
import {
  DRY_RUN_FLAG,
  JSON_FLAG,
  KEEP_FLAG,
  openService,
  openServiceAsRoot,
  readKeep,
  runService,
} from "../service-session.ts";
import { openRelease, type Session } from "../session.ts";

export function installCommand(session: Session) {
  return defineCommand({
    meta: {
      name: "install",
      description: "Makes this release a systemd service that starts at boot; needs root",
    },
    args: { "dry-run": DRY_RUN_FLAG, keep: KEEP_FLAG, json: JSON_FLAG },
    run: ({ args }) =>
      runService(session, args.json, async () => {
        const keep = readKeep(args.keep);
        if (args["dry-run"] === true) {
          const context = openService(session);
          await checkHost(session);
          return planInstall(context);
        }
        const context = openServiceAsRoot(session, "install");
        await checkHost(session);
        return installService(context, { keep });
      }),
  });
}

/**
 * Runs the checks of `doctor`. Called before anything is changed.
 * @throws GantryError with all findings of these checks
 */
async function checkHost(session: Session): Promise<void> {
  session.reporter.step("checking this host");
  const { findings } = await diagnose(session, openRelease(session));
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}
