/**
 * `install`: makes an unpacked release a running, supervised service. Existing settings and data are kept. A second run
 * with the same release repairs what is missing, and changes nothing else.
 */
import { join } from "node:path";
import { GantryError } from "../base/errors.ts";
import { ensureDirectory } from "../base/files/index.ts";
import { ensureActivated } from "./transaction/activate.ts";
import { readCandidate, type Candidate } from "./releases/candidate.ts";
import { confirmChange } from "./transaction/confirm.ts";
import { beginChange, type Journal } from "./transaction/change.ts";
import type { ServiceContext } from "./service-context.ts";
import { checkEnvMode, ensureEnv } from "./settings-file.ts";
import { switchLink } from "./releases/generations.ts";
import { newRecord, readInstalled, requireSettings } from "./installed-service.ts";
import { withService } from "./transaction/locked.ts";
import { checkNames, recordNames, ensureUser } from "./names/system-names.ts";
import { trimOwned } from "./names/marks.ts";
import { importRelease } from "./releases/import-release.ts";
import { requireFreePort } from "./health/port.ts";
import { runOrThrow } from "../base/process/index.ts";
import type { ServiceResult } from "./result.ts";
import { OWN_RELEASE } from "./keys/trust.ts";
import { isUp, readLog, readUnit, reloadUnits, startUnit } from "./systemd/systemctl.ts";
import { ensureUnits, readSystemdVersion, recoveryUnits } from "./systemd/installed-units.ts";
import { attempt, secondsSince, upgradeService, type UpgradeOptions } from "./upgrade.ts";
import { waitHealthy, type Health } from "./health/watch.ts";

/** Most lines of the systemd journal that are shown when a new service is not healthy. */
const QUOTED = 12;

/**
 * Installs the release to which this launcher belongs. When another generation is installed, this is an upgrade.
 * @throws GantryError NAME_TAKEN; what upgradeService throws; SERVICE_UNHEALTHY when the release does not become
 *   healthy. A first installation stays then, because a missing setting may be the cause.
 */
export async function installService(
  context: ServiceContext,
  options: UpgradeOptions,
): Promise<ServiceResult> {
  const own = readCandidate(context.own.root);
  // Checked first, because nothing of that name may be used or made when it belongs to another program.
  await checkNames(context.layout, own);
  const installed = readInstalled(context.layout);
  if (installed !== undefined && installed.generation !== own.generation) {
    return upgradeService(context, { kind: "directory", root: own.root }, options);
  }
  return withService(context, (held) =>
    readInstalled(held.layout) === undefined ? installFresh(held, own) : installAgain(held, own),
  );
}

async function installFresh(context: ServiceContext, release: Candidate): Promise<ServiceResult> {
  const { layout, own } = context;
  context.requireLock();
  await recordNames(layout, release);
  const record = { ...(await newRecord(context, "install")), from: null, running: true };
  const journal = await beginChange(context, record);
  const { candidate, settings, made } = await attempt(context, journal, async () => {
    const placed = await importRelease(
      context,
      { kind: "directory", root: own.root },
      OWN_RELEASE,
      (to, created) => journal.update({ to, created }),
    );
    const required = requireSettings(placed.candidate);
    await requireFreePort(layout, required);
    context.requireLock();
    await ensureUser(layout, placed.candidate);
    const env = await ensureEnv(layout, placed.candidate.root);
    await journal.update({ step: "activating" });
    await ensureActivated(context, placed.candidate);
    return { candidate: placed.candidate, settings: required, made: env };
  }).catch(async (error: unknown) => {
    context.requireLock();
    await trimOwned(layout);
    throw error;
  });
  await journal.update({ step: "switching" });
  await ensureInPlace(context, candidate);
  context.reporter.step(`starting ${layout.name} ${candidate.version}`);
  await startUnit(context, "restart");
  const health = await waitHealthy(context, settings, "");
  await confirmChange(context, journal.record(), candidate, {
    outcome: health.healthy ? "done" : "unhealthy",
  });
  if (!health.healthy) throw await unhealthy(context, candidate, health);
  const env = made
    ? `settings: ${layout.env} (made from the example, all commented out)`
    : `settings: ${layout.env} (kept)`;
  return describe(context, journal, candidate, { outcome: "done", lines: [`healthy: ${health.why}`, env] });
}

/**
 * Makes links and units those of a generation, and enables the units.
 * @returns whether a unit changed
 */
async function ensureInPlace(context: ServiceContext, candidate: Candidate): Promise<boolean> {
  const { layout, requireLock } = context;
  const changed = await ensureUnits(context, candidate, await readSystemdVersion());
  requireLock();
  await switchLink(layout, layout.current, candidate.generation);
  requireLock();
  await switchLink(layout, layout.fallback, candidate.generation);
  if (changed) await reloadUnits();
  requireLock();
  await runOrThrow("systemctl", ["enable", "--quiet", layout.unit, ...recoveryUnits(layout)]);
  return changed;
}

/**
 * Installs the same release again: makes names, user, settings file, units and links right. Starts the service if it
 * does not run. A service that runs is not restarted.
 */
async function installAgain(context: ServiceContext, own: Candidate): Promise<ServiceResult> {
  const { layout } = context;
  const began = Date.now();
  const candidate = readCandidate(join(layout.releases, own.generation));
  const settings = requireSettings(candidate);
  context.requireLock();
  await recordNames(layout, own);
  ensureDirectory(layout.opt, 0o755);
  await ensureUser(layout, candidate);
  const madeEnv = await ensureEnv(layout, candidate.root);
  const changed = await ensureInPlace(context, candidate);
  const before = await readUnit(layout.unit);
  const started = !isUp(before);
  const lines: string[] = [];
  if (started) {
    await requireFreePort(layout, settings);
    await startUnit(context, "start");
    const health = await waitHealthy(context, settings, before.InvocationID);
    if (!health.healthy) throw await unhealthy(context, candidate, health);
    lines.push(`started again; healthy: ${health.why}`);
  } else lines.push(`${layout.unit} is ${before.ActiveState}`);
  if (changed)
    lines.push(`units were put back${started ? "" : `; systemctl restart ${layout.name} uses them`}`);
  const mode = checkEnvMode(layout);
  if (mode !== undefined) context.reporter.warn(mode);
  const outcome = started || changed || madeEnv ? "done" : "unchanged";
  const record = { ...(await newRecord(context, "install")), to: candidate.generation, began };
  return describe(context, { record: () => record }, candidate, { outcome, lines });
}

function describe(
  { layout }: ServiceContext,
  journal: Pick<Journal, "record">,
  candidate: Candidate,
  { outcome, lines }: { readonly outcome: ServiceResult["outcome"]; readonly lines: readonly string[] },
): ServiceResult {
  const { from, began } = journal.record();
  const command = `${layout.current}/gantry`;
  const port = candidate.service?.port;
  return {
    schema: 1,
    action: "install",
    name: layout.name,
    outcome,
    from,
    to: candidate.generation,
    facts: [
      `${layout.name} ${candidate.version} ${outcome === "unchanged" ? "is installed already" : "is installed"} as ${layout.unit}, and starts at boot`,
      ...lines,
      `release: ${candidate.root}, user ${candidate.service?.user ?? ""}, data: ${layout.data}`,
      ...(port === undefined ? [] : [`port: ${port}`]),
    ],
    next: [
      `${command} status`,
      `journalctl -u ${layout.name} -f`,
      `sudoedit ${layout.env} && sudo systemctl restart ${layout.name}`,
      `sudo ${command} upgrade ARCHIVE`,
    ],
    seconds: secondsSince(began),
  };
}

async function unhealthy(
  { layout }: ServiceContext,
  { version }: Candidate,
  health: Health,
): Promise<GantryError> {
  return new GantryError({
    code: "SERVICE_UNHEALTHY",
    what: `${layout.name} ${version} is installed, and not healthy: ${health.why}`,
    where: layout.unit,
    detail: await readLog(layout.unit, health.invocation, QUOTED),
    fix: health.fix ?? `set what it asks for in ${layout.env}, then: systemctl restart ${layout.name}`,
  });
}
