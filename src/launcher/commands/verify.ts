/**
 * `./gantry verify`: hashes the files that SHA256SUMS lists and the files of the modules, and loads each module.
 * `--repair` replaces the module files that are wrong, and removes planted ones. The release's own files can be
 * restored only from its archive.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defineCommand } from "../../base/command-line.ts";
import { GantryError, type Finding } from "../../base/errors.ts";
import {
  checkMachine,
  compareOwnFile,
  inspectTree,
  type Planted,
  readHostId,
  type Release,
  removeFromTree,
  type TreeInspection,
} from "../../modules/index.ts";
import { readOptionalText } from "../../base/files/index.ts";
import { NAMES, parseSums, stampName } from "../../release/index.ts";
import { count, printable } from "../../base/text.ts";
import { networkRule } from "../source-plan.ts";
import { checkTrust, ensureReady, openRelease, type Opened, type Session } from "../session.ts";

export function verifyCommand(session: Session) {
  return defineCommand({
    meta: { name: "verify", description: "Hashes everything that is installed and loads each module" },
    args: { repair: { type: "boolean", description: "replace exactly what is wrong" } },
    run: ({ args }) => verify(session, args.repair === true ? "repair" : "look"),
  });
}

/** Reported once, instead of one finding for each module. */
const NEVER_INSTALLED: Finding = {
  code: "MODULE_UNAVAILABLE",
  what: "the modules were never installed here",
  where: NAMES.modules,
  fix: "run ./gantry prepare, or start the app, which does the same",
};

/**
 * Checks everything, repairs the modules if asked to, and prints what was checked.
 * @throws GantryError with a finding for every file and module that is not right
 */
async function verify(session: Session, intent: "repair" | "look"): Promise<void> {
  const opened = openRelease(session);
  const { release } = opened;
  session.reporter.step("hashing the release's own files");
  const own = checkSums(release);
  const machine = checkMachine(release, session.self);
  if (intent === "look" && !existsSync(opened.location.modules)) {
    throw new GantryError(NEVER_INSTALLED, ...own.findings, ...(machine === undefined ? [] : [machine]));
  }
  let tree = await inspect(session, opened);
  if (intent === "repair" && tree.planted !== undefined) {
    removePlanted(session, opened, tree.planted);
    tree = await inspect(session, opened);
  }
  const wrong = [...tree.findings, ...missingOptional(tree)];
  if (intent === "repair" && wrong.length > 0) {
    for (const finding of wrong) session.log.warn(`${finding.code}: ${finding.what}`);
    rmSync(join(opened.location.stamps, stampName(release.id, readHostId())), { force: true });
    const { repaired, location } = await ensureReady(session, opened, {
      network: networkRule(session, release, "command"),
      intent: "repair",
    });
    tree = await inspect(session, { ...opened, location });
    session.log.info(describeRepair(repaired));
  }
  for (const warning of tree.warnings) session.log.warn(warning);
  for (const path of tree.foreign) session.log.warn(`not part of the release: node_modules/${path}`);
  for (const finding of missingOptional(tree)) session.log.warn(`${finding.what}; ${finding.fix ?? ""}`);
  const trust = checkTrust(session, opened);
  const aside = [machine, trust].filter((finding) => finding !== undefined);
  const findings = [...aside, ...own.findings, ...tree.findings];
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
  const loaded = tree.modules.filter((module) => module.state === "loads").length;
  session.print(
    `${count(own.checked, "file")} of the release and ${count(tree.checkedFiles, "file")} of its modules are right, ` +
      `${count(loaded, "module")} ${loaded === 1 ? "loads" : "load"}`,
  );
}

/**
 * Removes planted files: files in node_modules that are no part of the release, and that a release with a pinned key
 * refuses. Needs no module source.
 * @throws GantryError when another user can change the release, because the files could come back
 */
function removePlanted(session: Session, opened: Opened, { paths, finding }: Planted): void {
  const trust = checkTrust(session, opened);
  if (trust !== undefined) throw new GantryError(finding, trust);
  removeFromTree(opened.location, paths);
  const what = `removed ${paths.length === 1 ? "1 entry" : `${paths.length} entries`} of node_modules, no part of the release`;
  session.log.info(
    `${what}: ${printable(paths.slice(0, NAMED).join(", "))}${paths.length > NAMED ? ", …" : ""}`,
  );
}

/** Most paths that a message names. */
const NAMED = 12;

function describeRepair(repaired: readonly string[] | undefined): string {
  if (repaired === undefined) return "the modules were installed again, all of them";
  if (repaired.length === 0) return "every file was right already";
  const more = repaired.length > NAMED ? `, and ${repaired.length - NAMED} more` : "";
  return `mended ${count(repaired.length, "file")}: ${repaired.slice(0, NAMED).join(", ")}${more}`;
}

function inspect(session: Session, { release, location }: Opened): Promise<TreeInspection> {
  const { reporter, environment, signal, self, settings } = session;
  reporter.step("hashing and loading the modules");
  return inspectTree({ release, location, environment, signal, self, skip: settings.skip });
}

/** A warning for each optional module that is missing or broken. --repair tries to install it. */
function missingOptional(tree: TreeInspection): Finding[] {
  return tree.modules
    .filter((module) => module.state === "absent" || (module.optional && module.state === "broken"))
    .map(({ name, reason }) => ({
      code: "MODULE_UNAVAILABLE",
      what: `${name}, which is optional: ${reason ?? "it is not in this tree"}`,
      fix: "./gantry verify --repair tries to install it",
    }));
}

function checkSums(release: Release): { readonly checked: number; readonly findings: readonly Finding[] } {
  const path = release.layout.sums;
  const text = readOptionalText(path);
  if (text === undefined) {
    const what = "SHA256SUMS is not there, so the release's own files cannot be checked";
    return { checked: 0, findings: [{ code: "RELEASE_FILE_MISSING", what, where: path }] };
  }
  const sums = [...parseSums(text, path)];
  return {
    checked: sums.length,
    findings: sums.flatMap(([name, digest]) => compareOwnFile(release, name, digest) ?? []),
  };
}
