/**
 * The systemd files of a service in /etc: those of the generation in charge, byte by byte, and those that finish
 * an interrupted upgrade at boot. Other drop-ins of NAME.service.d are the host's own and are never touched.
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

/** RestartSteps= came with it; an older systemd warns of what it does not know. */
const BACKOFF_VERSION = 254;

/** Before the service, and after it. */
type Moment = "recover" | "confirm";

/** The units that end an interrupted change; they are enabled as long as the service is installed. */
export function recoveryUnits(layout: ServiceLayout): string[] {
  return [recoveryUnit(layout, "recover"), recoveryUnit(layout, "confirm")];
}

function recoveryUnit(layout: ServiceLayout, moment: Moment): string {
  return derivedUnit(layout, moment);
}

/** What an earlier gantry called them. */
function earlierUnits({ name }: ServiceLayout): string[] {
  return [`${name}-recover.service`, `${name}-confirm.service`];
}

function dropInDirectory(layout: ServiceLayout): string {
  return join(layout.units, `${layout.unit}.d`);
}

/** Names of gantry's own drop-ins. */
const EXPOSURE = "50-gantry-exposure.conf";
const BACKOFF = "50-gantry-backoff.conf";

/**
 * At boot, and only while a change is on record. It runs the launcher of the generation that was healthy last, not of
 * the one that is on trial. `recover` comes before the service, and puts links, units and data in order; `confirm`
 * comes after it, and decides about one that had been started already. Should they fail, the service runs all the same.
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

/** What /etc has to hold while this generation is in charge, by path; null for what must not be there. */
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
 * @throws GantryError LOCK_TIMEOUT when another process took over in the middle
 * @returns whether anything changed, so that systemd has to read them again
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

/** The files of a service in /etc that are there and that gantry wrote, and those of the same names that it did not. */
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
    // Nobody else has names like these.
    [join(dropIns, EXPOSURE), isAnything],
    [join(dropIns, BACKOFF), isAnything],
  ];
  const files: { own: string[]; foreign: string[] } = { own: [], foreign: [] };
  for (const [path, isOwn] of places) {
    const text = readOptionalText(path);
    if (text === undefined) continue;
    // What an earlier gantry called its helpers may be the service of another app.
    if (isOwn(text)) files.own.push(path);
    else if (!earlierUnits(layout).includes(basename(path))) files.foreign.push(path);
  }
  return files;
}

/** Stops, disables and removes what gantry wrote. */
export async function removeUnits(layout: ServiceLayout): Promise<void> {
  const { own } = readUnitFiles(layout);
  const units = own.filter((path) => dirname(path) === layout.units).map((path) => basename(path));
  if (units.length > 0) await runProgram("systemctl", ["disable", "--now", ...units]);
  for (const path of own) rmSync(path, { force: true });
  await reloadUnits();
  if (units.length > 0) await runProgram("systemctl", ["reset-failed", ...units]);
}

/** Removes them under the names that an earlier gantry gave them, which other apps may have. */
async function removeEarlierUnits(layout: ServiceLayout): Promise<boolean> {
  const own = earlierUnits(layout).filter((name) =>
    isOwnHelper(layout, readOptionalText(join(layout.units, name)) ?? ""),
  );
  if (own.length === 0) return false;
  await runProgram("systemctl", ["disable", "--no-reload", ...own]);
  for (const name of own) rmSync(join(layout.units, name), { force: true });
  return true;
}

/** `systemd 252 (252.39-1~deb12u1)` */
export async function readSystemdVersion(): Promise<number> {
  const text = await runOrThrow("systemctl", ["--version"]);
  return Number(/^systemd (\d+)/.exec(text)?.[1] ?? 0);
}

/** Settings of [Service] and [Unit] that make it a supervised service, and not a command that is run once. */
const SUPERVISION =
  /^(?:Type|Exec\w+|Restart\w*|SuccessExitStatus|Timeout\w+|Watchdog\w+|NotifyAccess|Sockets|PIDFile|RemainAfterExit|StartLimit\w+|KillMode|RuntimeDirectoryPreserve)\s*=/;

/** The same for a unit and for the host's drop-ins to it; a line that ends in a backslash goes on. */
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
 * A unit that runs one command just as the service runs: same user, environment, directories, rights and limits.
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

/** systemd.service(5), "command lines": backslash, quote, specifier and variable. */
export function escapeWord(word: string): string {
  const quoted = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return quoted.replaceAll("%", "%%").replaceAll("$", () => "$$");
}

/** The drop-ins that the service has in /etc, gantry's and the host's, by name. */
export function readDropIns(layout: ServiceLayout): Map<string, string> {
  const directory = dropInDirectory(layout);
  const names = readNames(directory).filter((name) => name.endsWith(".conf"));
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
