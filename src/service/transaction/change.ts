/**
 * Changes from one generation to another, one step at a time. Each step is on record before it begins. When a step
 * fails, or the new generation does not become healthy, the old generation is put in charge again (giveUp).
 */
import { GantryError, toGantryError, type Finding } from "../../base/errors.ts";
import { ensureActivated } from "./activate.ts";
import type { Candidate, ServiceSettings } from "../releases/candidate.ts";
import type { ServiceContext } from "../service-context.ts";
import { requireFreePort } from "../health/port.ts";
import { switchLink } from "../releases/generations.ts";
import { generationVersion } from "../service-layout.ts";
import { ensureUser } from "../names/system-names.ts";
import { writeRecord, type ChangeRecord, type Step } from "./record.ts";
import { requireCopyable, takeSnapshot } from "../data/snapshot.ts";
import { readLog, readUnit, reloadUnits, startUnit, stopUnit } from "../systemd/systemctl.ts";
import { undoChange, type Undone } from "./undo.ts";
import { ensureUnits, readSystemdVersion } from "../systemd/installed-units.ts";
import { waitHealthy, type Health } from "../health/watch.ts";

/** Lines of the systemd journal that a failed change shows: of the generation that was given up, and of the old one. */
const QUOTED = { given: 12, kept: 5 };

/** The record of the change in memory. Each update writes it to the disk. */
export interface Journal {
  readonly record: () => ChangeRecord;
  readonly update: (changed: Partial<ChangeRecord>) => Promise<void>;
}

export async function beginChange(context: ServiceContext, record: ChangeRecord): Promise<Journal> {
  let now = record;
  context.requireLock();
  await writeRecord(context.layout, now);
  return {
    record: () => now,
    update: async (changed) => {
      context.requireLock();
      now = { ...now, ...changed };
      await writeRecord(context.layout, now);
    },
  };
}

/** Thrown when a generation did not become healthy. */
class Unhealthy extends Error {
  readonly health: Health;

  constructor(health: Health) {
    super(health.why);
    this.health = health;
  }
}

export interface SwitchOptions {
  /**
   * `once`: copy the data if the settings ask for a snapshot, then run the app's own command if it has not run yet.
   * `never`: do neither.
   */
  readonly activate: "once" | "never";
}

/**
 * Puts a generation in charge and waits until it is healthy. The old generation serves until the restart. Only a
 * snapshot stops it earlier, because a copy that is made during writes may not be consistent.
 * @throws Unhealthy; SERVICE_UNHEALTHY for a taken port; the errors of activation and systemd. The record then has
 *   the last step that began.
 */
export async function switchTo(
  context: ServiceContext,
  journal: Journal,
  to: Candidate,
  settings: ServiceSettings,
  options: SwitchOptions,
): Promise<Health> {
  const { layout, reporter } = context;
  const step = (name: Step) => journal.update({ step: name });
  await requireFreePort(layout, settings);
  const { requireLock } = context;
  await ensureUser(layout, to);
  const before = await readUnit(layout.unit);
  if (options.activate === "once") {
    if (settings.snapshot) {
      await requireCopyable(context, "running");
      await step("copying");
      reporter.step("stopping the service, and copying its data");
      await stopUnit(context);
      await takeSnapshot(context);
    }
    if (to.activate !== undefined || settings.snapshot) await step("activating");
    if (to.activate !== undefined) reporter.step(`running ${layout.name} ${to.activate.join(" ")}`);
    await ensureActivated(context, to);
  }
  context.signal.throwIfAborted();
  // Checked again: the app's own command may take long, and the service has no port while its data is copied.
  await requireFreePort(layout, settings);
  await step("switching");
  const changed = await ensureUnits(context, to, await readSystemdVersion());
  if (changed) await reloadUnits();
  requireLock();
  await switchLink(layout, layout.current, to.generation);
  reporter.step(`starting ${to.version}`);
  await startUnit(context, "restart");
  const health = await waitHealthy(context, settings, before.InvocationID);
  if (!health.healthy) throw new Unhealthy(health);
  return health;
}

/**
 * Undoes a change that failed.
 * @returns the error to throw: the cause, the last lines that both generations logged, and what runs now
 */
export async function giveUp(
  context: ServiceContext,
  journal: Journal,
  error: unknown,
): Promise<GantryError> {
  const { layout } = context;
  // Throws when another process took the lock over. That process has ended this change, and may have begun another one.
  context.requireLock();
  const record = journal.record();
  const switched = record.step === "switching";
  const said =
    error instanceof Unhealthy ? await readLog(layout.unit, error.health.invocation, QUOTED.given) : [];
  const failure =
    error instanceof Unhealthy ? unhealthyFinding(context, record, error) : toGantryError(error);
  if (switched) context.reporter.warn(`${record.to ?? "it"} is given up: ${failure.findings[0].what}`);
  const code = failure.findings[0].code;
  // The signal of `steady` is never aborted, so SIGTERM takes effect only after the old generation is in charge again.
  const steady: ServiceContext = { ...context, signal: new AbortController().signal };
  const undone = await undoChange(steady, record, { outcome: switched ? "went-back" : "failed", code });
  const [first, ...rest] = failure.findings;
  const detail =
    error instanceof Unhealthy ? await bothJournals(context, record, said, undone) : first.detail;
  return new GantryError(
    {
      ...first,
      what: `${first.what}${afterwards(context, record, undone)}`,
      ...(detail === undefined ? {} : { detail }),
    },
    ...rest,
    ...stillUnhealthy(context, undone),
  );
}

/** The last lines that two generations logged: the one that was given up, and the one that serves again. */
async function bothJournals(
  { layout }: ServiceContext,
  { to }: ChangeRecord,
  said: readonly string[],
  { keep, health }: Undone,
): Promise<string[]> {
  const given = [`${to ?? ""} said:`, ...(said.length === 0 ? ["(nothing)"] : said)];
  if (health === undefined || keep === null) return given;
  return [...given, `${keep} says:`, ...(await readLog(layout.unit, health.invocation, QUOTED.kept))];
}

function unhealthyFinding(
  { layout }: ServiceContext,
  { to }: ChangeRecord,
  { health }: Unhealthy,
): GantryError {
  return new GantryError({
    code: "SERVICE_UNHEALTHY",
    what: `${layout.name} ${generationVersion(to ?? "") ?? ""} did not become healthy: ${health.why}`,
    where: layout.unit,
    fix: health.fix ?? "take what it says above to its publisher; the old version serves",
  });
}

/** What is in charge now, as the end of a sentence. */
function afterwards({ layout }: ServiceContext, record: ChangeRecord, undone: Undone): string {
  if (undone.keep === null) return "; nothing was installed";
  const version = generationVersion(undone.keep) ?? undone.keep;
  const data = undone.restored
    ? `, with its data from before (what was written since is in ${layout.replaced})`
    : "";
  if (undone.health === undefined)
    return record.step === "placing" ? "; nothing was changed" : `; ${version} serves on`;
  return undone.health.healthy ? `; ${version} serves again${data}` : `; went back to ${version}${data}`;
}

/** A second finding when the old generation is unhealthy as well. */
function stillUnhealthy({ layout }: ServiceContext, { keep, health }: Undone): Finding[] {
  if (health === undefined || health.healthy || keep === null) return [];
  return [
    {
      code: "SERVICE_UNHEALTHY",
      what: `${keep}, the one before, is not healthy either: ${health.why}`,
      where: layout.unit,
      fix: health.fix ?? `look at the whole log: journalctl -u ${layout.name}`,
    },
  ];
}
