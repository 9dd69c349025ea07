/**
 * The systemd files of a service in /etc: those of the generation in charge, byte by byte, and those that finish an
 * interrupted upgrade at boot. Other drop-ins of NAME.service.d belong to the host and are never changed.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readNames, readOptionalText, writeDurably } from "../../base/files/index.ts";
import { NAMES } from "../../release/index.ts";
import type { Candidate } from "../releases/candidate.ts";
import { ensureDirectory } from "../releases/generations.ts";
import type { ServiceContext } from "../service-context.ts";
import { derivedUnit, type ServiceLayout } from "../service-layout.ts";
import { isOwnHelper, isOwnSysusers, isOwnUnit } from "../names/marks.ts";
import { runOrThrow, runProgram } from "../../base/process/index.ts";
import { reloadUnits } from "./systemctl.ts";

/** The systemd that introduced RestartSteps=. Older ones warn about unknown settings. */
const BACKOFF_VERSION = 254;

/** Before the service starts, or after. */
type Moment = "recover" | "confirm";

/** The units that end an interrupted change. They are enabled while the service is installed. */
export function recoveryUnits(layout: ServiceLayout): string[] {
  return [recoveryUnit(layout, "recover"), recoveryUnit(layout, "confirm")];
}

function recoveryUnit(layout: ServiceLayout, moment: Moment): string {
  return derivedUnit(layout, moment);
}

/** The names that an early version of gantry used. */
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
 * A unit that runs at boot, and only when a change is on record. It runs the launcher of the last healthy generation,
 * not of the one on trial. `recover` runs before the service and restores links, units and data. `confirm` runs after
 * it and decides about a generation on trial. If they fail, the service runs all the same.
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

/** The files that /etc must have while this generation is in charge, by path. Null for a file that must not exist. */
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
 * Makes the files in /etc those of a generation.
 * @param systemd its version
 * @throws GantryError LOCK_TIMEOUT when another process took the lock over meanwhile
 * @returns whether a file changed, so that systemd has to read them again
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
 * The existing unit files of a service in /etc: `own` were written by gantry, `foreign` have the same names and were
 * not.
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
    // A file with the name of an early version's helper may be the service of another app.
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

/** Removes units with the names of an early version of gantry, unless they are another app's. */
async function removeEarlierUnits(layout: ServiceLayout): Promise<boolean> {
  const own = earlierUnits(layout).filter((name) =>
    isOwnHelper(layout, readOptionalText(join(layout.units, name)) ?? ""),
  );
  if (own.length === 0) return false;
  await runProgram("systemctl", ["disable", "--no-reload", ...own]);
  for (const name of own) rmSync(join(layout.units, name), { force: true });
  return true;
}

/** Parses `systemd 252 (252.39-1~deb12u1)`. */
export async function readSystemdVersion(): Promise<number> {
  const text = await runOrThrow("systemctl", ["--version"]);
  return Number(/^systemd (\d+)/.exec(text)?.[1] ?? 0);
}

/** Settings of [Service] and [Unit] that supervise a service and make no sense for a command that runs once. */
const SUPERVISION =
  /^(?:Type|Exec\w+|Restart\w*|SuccessExitStatus|Timeout\w+|Watchdog\w+|NotifyAccess|Sockets|PIDFile|RemainAfterExit|StartLimit\w+|KillMode|RuntimeDirectoryPreserve)\s*=/;

/** Removes those settings from a unit or a drop-in, including continuation lines (backslash at the end). */
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
 * A unit that runs one command as the service runs: same user, environment, directories, rights and limits.
 * @param command program and arguments
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
 * Escapes a word of a command line: backslash, quote, specifier and variable (systemd.service(5), "command lines").
 */
export function escapeWord(word: string): string {
  const quoted = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return quoted.replaceAll("%", "%%").replaceAll("$", () => "$$");
}

/** The drop-ins of the service in /etc, gantry's and the host's, by file name. */
export function readDropIns(layout: ServiceLayout): Map<string, string> {
  const directory = dropInDirectory(layout);
  const names = readNames(directory).filter((name) => name.endsWith(".conf"));
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
