/**
 * `./gantry doctor`: reports release, host, modules, and what a start would do, with a fix for each finding. It changes
 * nothing. The exit status is 0 without findings, else the exit status of the first finding.
 */
import { existsSync } from "node:fs";
import { defineCommand } from "../../base/command-line.ts";
import { GantryError, spellFinding, type ErrorCode, type SpelledFinding } from "../../base/errors.ts";
import {
  checkAbi,
  checkExecutable,
  checkMachine,
  checkWritable,
  type InspectedModule,
  inspectTree,
  readHostId,
  readScene,
  readTreeState,
  type Scene,
  type TreeInspection,
} from "../../modules/index.ts";
import { type ExternalModule, LIBC_MARKS } from "../../release/index.ts";
import { jsonText } from "../../base/text.ts";
import { describeRelease, formatDiagnosis, type Diagnosis } from "./diagnosis.ts";
import { foretellStart, planNextInstall } from "./next-start.ts";
import { explainSource, formatExplanations } from "./explain.ts";
import { checkPrograms } from "./programs.ts";
import { captureScene, readHost, valueOf } from "../../host/index.ts";
import { checkTrust, openRelease, type Opened, type Session } from "../session.ts";

export function doctorCommand(session: Session) {
  return defineCommand({
    meta: { name: "doctor", description: "Every fact and finding, with a fix for each; changes nothing" },
    args: {
      json: { type: "boolean", description: "for programs, and for gantry check --host" },
      explain: { type: "string", valueHint: "FILE|-", description: "explains a message from a log instead" },
    },
    run: async ({ args }) => {
      const opened = openRelease(session);
      const scene = readDoctorScene(session, opened);
      if (args.explain !== undefined)
        return printExplanation(session, args.explain, scene, args.json === true);
      const diagnosis = await diagnose(session, opened);
      session.print(
        args.json === true
          ? jsonText(spellOut(diagnosis, scene))
          : formatDiagnosis(diagnosis, scene, session),
      );
      const [first, ...rest] = diagnosis.findings;
      if (first !== undefined) throw new GantryError(first, ...rest);
    },
  });
}

function readDoctorScene({ environment, self }: Session, { release, location }: Opened): Scene | undefined {
  const directories = [existsSync(location.modules) ? location.modules : location.parent];
  return readScene({ release, environment, self, directories });
}

function printExplanation(session: Session, source: string, scene: Scene | undefined, json: boolean): void {
  const found = explainSource(source, scene, session.directory);
  session.print(json ? jsonText(found) : formatExplanations(found, session.columns));
}

/** Collects everything that doctor reports. Changes nothing. `install` calls it too, before it changes the host. */
export async function diagnose(session: Session, opened: Opened): Promise<Diagnosis> {
  const { release, location } = opened;
  const host = readHostId();
  const plan = readTreeState(release, location, host);
  const { self } = session;
  const own = [checkMachine(release, self), checkExecutable(release), checkAbi(release, self)].filter(
    (finding) => finding !== undefined,
  );
  const tree = plan.state === "absent" || own.length > 0 ? undefined : await inspect(session, opened);
  // Planted files do not count as damage, because a start would not remove them.
  const planted = tree?.planted?.finding;
  const damaged = tree?.findings.some((found) => found !== planted && REPAIRABLE.has(found.code)) ?? false;
  const install = plan.state === "absent" || damaged;
  const { way, hindrances, target } = install
    ? planNextInstall(session, opened)
    : { way: "", hindrances: [], target: opened.plan };
  const trust = checkTrust(session, opened);
  const programs = checkPrograms(release.manifest.programs ?? [], session.environment, () => {
    return valueOf(readHost({ env: session.environment, arch: self.arch }).facts.system)?.id;
  });
  return {
    schema: 1,
    release: describeRelease(release),
    host: {
      os: session.self.os,
      arch: session.self.arch,
      id: host,
      libcMarks: LIBC_MARKS.filter((path) => existsSync(path)),
    },
    place: {
      modules: target.location.modules,
      writable: checkWritable(target.location) === undefined,
      passed: target.passed,
    },
    plan: { ...plan, would: foretellStart(plan.state, release, { own, tree, install, way, hindrances }) },
    modules: tree?.modules ?? release.manifest.externals.map(describeUnseen),
    native: tree?.native ?? [],
    warnings: tree?.warnings ?? [],
    files: { checked: tree?.checkedFiles ?? 0, foreign: tree?.foreign ?? [] },
    findings: [
      ...own,
      ...programs,
      ...(trust === undefined ? [] : [trust]),
      ...hindrances,
      ...(tree?.findings ?? []),
    ],
  };
}

/** Codes that a new copy of the files repairs. Files that are as they were built and do not load are not replaced. */
const REPAIRABLE: ReadonlySet<ErrorCode> = new Set(["DIGEST_MISMATCH"]);

function inspect(session: Session, { release, location }: Opened): Promise<TreeInspection> {
  const { environment, signal, self, settings } = session;
  return inspectTree({ release, location, environment, signal, self, skip: settings.skip });
}

/** The state of a module that was not inspected: there is no tree, or the release cannot run on this host. */
function describeUnseen({ name, version, optional, unavailable }: ExternalModule): InspectedModule {
  if (unavailable !== undefined) {
    return { name, version, optional, state: "unavailable", reason: unavailable.reason };
  }
  return { name, version, optional, state: "absent" };
}

/**
 * What `--json` prints: the diagnosis, with exit status and fix of each finding, so that no table of errors is needed.
 */
export type DoctorJson = Omit<Diagnosis, "findings"> & { readonly findings: readonly SpelledFinding[] };

function spellOut(diagnosis: Diagnosis, scene: Scene | undefined): DoctorJson {
  const findings = diagnosis.findings.map(spellFinding);
  const host = scene === undefined ? diagnosis.host : { ...diagnosis.host, ...captureScene(scene) };
  return { ...diagnosis, host, findings };
}
