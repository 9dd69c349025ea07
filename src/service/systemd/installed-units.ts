/**
 * The systemd files of a service in /etc: exact copies of those of the generation in charge, and the units that end an
 * interrupted change at boot. Other drop-ins in NAME.service.d belong to the host and are never changed.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ensureDirectory, readNames, readOptionalText, writeDurably } from "../../base/files/index.ts";
import { NAMES } from "../../release/index.ts";
import type { Candidate } from "../releases/candidate.ts";
import type { ServiceContext } from "../service-context.ts";
import { derivedUnit, type ServiceLayout } from "../service-layout.ts";
import { isOwnHelper, isOwnSysusers, isOwnUnit } from "../names/marks.ts";
import { runOrThrow, runProgram } from "../../base/process/index.ts";
import { reloadUnits } from "./systemctl.ts";

/** The version of systemd that introduced RestartSteps=. Older versions warn about it as an unknown setting. */
const BACKOFF_VERSION = 254;

/** When a recovery unit runs: `recover` before the service starts, `confirm` afterwards. */
type Moment = "recover" | "confirm";

/** The units that end an interrupted change at boot. They are enabled while the service is installed. */
export function recoveryUnits(layout: ServiceLayout): string[] {
  return [recoveryUnit(layout, "recover"), recoveryUnit(layout, "confirm")];
}

function recoveryUnit(layout: ServiceLayout, moment: Moment): string {
  return derivedUnit(layout, moment);
}

/** The names that an early version of gantry used for the same units. */
function earlierUnits({ name }: ServiceLayout): string[] {
  return [`${name}-recover.service`, `${name}-confirm.service`];
}

function dropInDirectory(layout: ServiceLayout): string {
  return join(layout.units, `${layout.unit}.d`);
}

/** File names of gantry's own drop-ins. */
const EXPOSURE = "50-gantry-exposure.conf";
const BACKOFF = "50-gantry-backoff.conf";

/**
 * The text of a unit that runs at boot if there is a record of a change. It runs the launcher of the generation that
 * `fallback` leads to, and not the launcher of a generation on trial. `recover` runs before the service and ends the
 * change, or puts a generation on trial in charge. `confirm` runs after the service and decides about a generation on
 * trial. When these units fail, the service is started all the same.
 */
export function formatRecoveryUnit(layout: ServiceLayout, moment: Moment): string {
  const order = moment === "recover" ? `Before=${layout.unit}` : `After=${layout.unit}`;
  const flag = moment === "recover" ? " --boot" : "";
  return `# Ends an interrupted upgrade of ${layout.name} in one whole generation. Made by gantry.
[Unit]
Description=Finish or undo an interrupted upgrade of ${layout.name}
ConditionPathExists=${layout.record}
${order}
RequiresMountsFor=${layout.opt} ${layout.state} ${layout.data}

[Service]
Type=oneshot
ExecStart=${layout.fallback}/gantry recover${flag}
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
`;
}

/** The texts of the files in /etc while this generation is in charge, by path. Null for a file that must not exist. */
function wantedFiles(
  layout: ServiceLayout,
  candidate: Candidate,
  systemd: number,
): Map<string, string | null> {
  const read = (name: string) => readFileSync(join(candidate.root, NAMES.systemd, name), "utf8");
  const exposure = candidate.service?.exposure ?? "public";
  const dropIns = dropInDirectory(layout);
  return new Map([
    [layout.sysusers, read(`${layout.name}.sysusers`)],
    [join(layout.units, layout.unit), read(layout.unit)],
    [join(layout.units, recoveryUnit(layout, "recover")), formatRecoveryUnit(layout, "recover")],
    [join(layout.units, recoveryUnit(layout, "confirm")), formatRecoveryUnit(layout, "confirm")],
    [join(dropIns, EXPOSURE), exposure === "public" ? null : read(`${exposure}.conf`)],
    [join(dropIns, BACKOFF), systemd >= BACKOFF_VERSION ? read("backoff.conf") : null],
  ]);
}

/**
 * Makes the files in /etc those of a generation. Enables recovery units that did not exist.
 * @param systemd the version of systemd
 * @returns whether a file changed, so that systemd has to read the files again
 * @throws GantryError LOCK_TIMEOUT when another process took the lock over meanwhile
 */
export async function ensureUnits(
  { layout, requireLock }: Pick<ServiceContext, "layout" | "requireLock">,
  candidate: Candidate,
  systemd: number,
): Promise<boolean> {
  requireLock();
  let changed = await removeEarlierUnits(layout);
  const fresh = recoveryUnits(layout).filter((name) => !existsSync(join(layout.units, name)));
  for (const [path, text] of wantedFiles(layout, candidate, systemd)) {
    if (readOptionalText(path) === (text ?? undefined)) continue;
    changed = true;
    requireLock();
    if (text === null) {
      rmSync(path, { force: true });
      continue;
    }
    ensureDirectory(join(path, ".."), 0o755);
    await writeDurably(path, text, 0o644);
  }
  requireLock();
  if (fresh.length > 0) await runOrThrow("systemctl", ["enable", "--quiet", "--no-reload", ...fresh]);
  return changed;
}

const isAnything = () => true;

/**
 * The paths of the files of a service that exist in /etc. `own`: gantry wrote them. `foreign`: they have the names of
 * gantry's files, and gantry did not write them.
 */
export function readUnitFiles(layout: ServiceLayout): { own: string[]; foreign: string[] } {
  const dropIns = dropInDirectory(layout);
  const places: [path: string, isOwn: (text: string) => boolean][] = [
    [layout.sysusers, (text) => isOwnSysusers(layout, text)],
    [join(layout.units, layout.unit), (text) => isOwnUnit(layout, text)],
    ...[...recoveryUnits(layout), ...earlierUnits(layout)].map(
      (name): [string, (text: string) => boolean] => [
        join(layout.units, name),
        (text) => isOwnHelper(layout, text),
      ],
    ),
    // Only gantry uses these names.
    [join(dropIns, EXPOSURE), isAnything],
    [join(dropIns, BACKOFF), isAnything],
  ];
  const files: { own: string[]; foreign: string[] } = { own: [], foreign: [] };
  for (const [path, isOwn] of places) {
    const text = readOptionalText(path);
    if (text === undefined) continue;
    // A file with the name that an early version used for a recovery unit may be the service of another app.
    if (isOwn(text)) files.own.push(path);
    else if (!earlierUnits(layout).includes(basename(path))) files.foreign.push(path);
  }
  return files;
}

/** Stops, disables and removes the units that gantry wrote. */
export async function removeUnits(layout: ServiceLayout): Promise<void> {
  const { own } = readUnitFiles(layout);
  const units = own.filter((path) => dirname(path) === layout.units).map((path) => basename(path));
  if (units.length > 0) await runProgram("systemctl", ["disable", "--now", ...units]);
  for (const path of own) rmSync(path, { force: true });
  await reloadUnits();
  if (units.length > 0) await runProgram("systemctl", ["reset-failed", ...units]);
}

/**
 * Removes the recovery units of an early version of gantry. A unit of the same name that belongs to another app stays.
 * @returns whether there were any
 */
async function removeEarlierUnits(layout: ServiceLayout): Promise<boolean> {
  const own = earlierUnits(layout).filter((name) =>
    isOwnHelper(layout, readOptionalText(join(layout.units, name)) ?? ""),
  );
  if (own.length === 0) return false;
  await runProgram("systemctl", ["disable", "--no-reload", ...own]);
  for (const name of own) rmSync(join(layout.units, name), { force: true });
  return true;
}

/** The version of systemd, from a line such as `systemd 252 (252.39-1~deb12u1)`. */
export async function readSystemdVersion(): Promise<number> {
  const text = await runOrThrow("systemctl", ["--version"]);
  return Number(/^systemd (\d+)/.exec(text)?.[1] ?? 0);
}

/**
 * Settings of [Service] and [Unit] by which systemd runs and supervises a service. The unit of one command must not
 * have them.
 */
const SUPERVISION =
  /^(?:Type|Exec\w+|Restart\w*|SuccessExitStatus|Timeout\w+|Watchdog\w+|NotifyAccess|Sockets|PIDFile|RemainAfterExit|StartLimit\w+|KillMode|RuntimeDirectoryPreserve)\s*=/;

/**
 * Removes the settings of SUPERVISION and the section [Install] from the text of a unit or a drop-in. A setting may
 * continue on the next line (backslash at the end).
 */
export function withoutSupervision(text: string): string {
  const kept: string[] = [];
  let dropping = false;
  let section = "";
  for (const line of text.split("\n")) {
    section = /^\[(\w+)\]/.exec(line)?.[1] ?? section;
    const drop: boolean = dropping || section === "Install" || SUPERVISION.test(line);
    dropping = drop && line.endsWith("\\");
    if (!drop) kept.push(line);
  }
  return kept.join("\n");
}

/**
 * The text of a unit that runs one command as the service runs: with the same user, environment, directories, rights
 * and limits.
 * @param unitText the text of the service's unit
 * @param command the program and its arguments
 */
export function formatActivation(unitText: string, command: readonly string[]): string {
  const words = command.map((word) => `"${escapeWord(word)}"`).join(" ");
  return `${withoutSupervision(unitText)}
[Service]
Type=oneshot
ExecStart=${words}
RuntimeDirectoryPreserve=yes
`;
}

/**
 * Escapes backslash, quote, `%` and `$` in a word of a command line (systemd.service(5), "command lines").
 */
export function escapeWord(word: string): string {
  const quoted = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return quoted.replaceAll("%", "%%").replaceAll("$", () => "$$");
}

/** The texts of all drop-ins of the service in /etc, gantry's and the host's, by file name. */
export function readDropIns(layout: ServiceLayout): Map<string, string> {
  const directory = dropInDirectory(layout);
  const names = readNames(directory).filter((name) => name.endsWith(".conf"));
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
