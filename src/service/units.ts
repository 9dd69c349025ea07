/**
 * The systemd files of a service in /etc: those of the generation in charge, byte by byte, and those that finish
 * an interrupted upgrade at boot. Other drop-ins of NAME.service.d are the host's own and are never touched.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "../provision/durable.ts";
import { readNames, readOptionalText } from "../provision/read.ts";
import { NAMES } from "../release/layout.ts";
import type { Candidate } from "./candidate.ts";
import { ensureDirectory } from "./generations.ts";
import type { ServiceLayout } from "./layout.ts";
import { runOrThrow } from "./program.ts";

/** RestartSteps= came with it; an older systemd warns of what it does not know. */
const BACKOFF_VERSION = 254;

/** Before the service, and after it. */
type Moment = "recover" | "confirm";

/** The units that end an interrupted change; they are enabled as long as the service is installed. */
export function recoveryUnits(layout: ServiceLayout): string[] {
  return [recoveryUnit(layout, "recover"), recoveryUnit(layout, "confirm")];
}

function recoveryUnit(layout: ServiceLayout, moment: Moment): string {
  return `${layout.name}-${moment}.service`;
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
 * @returns whether anything changed, so that systemd has to read them again
 */
export async function ensureUnits(
  layout: ServiceLayout,
  candidate: Candidate,
  systemd: number,
): Promise<boolean> {
  let changed = false;
  for (const [path, text] of wantedFiles(layout, candidate, systemd)) {
    if (readOptionalText(path) === (text ?? undefined)) continue;
    changed = true;
    if (text === null) {
      rmSync(path, { force: true });
      continue;
    }
    ensureDirectory(join(path, ".."), 0o755);
    await writeDurably(path, text, 0o644);
  }
  return changed;
}

/** @returns the files that were there */
export function removeUnits(layout: ServiceLayout): string[] {
  const dropIns = dropInDirectory(layout);
  const paths = [
    layout.sysusers,
    join(layout.units, layout.unit),
    ...recoveryUnits(layout).map((name) => join(layout.units, name)),
    join(dropIns, EXPOSURE),
    join(dropIns, BACKOFF),
  ];
  const there = paths.filter((path) => readOptionalText(path) !== undefined);
  for (const path of there) rmSync(path, { force: true });
  return there;
}

/** The user of the service; it is made before anything that it owns. */
export async function ensureUser(layout: ServiceLayout, candidate: Candidate): Promise<void> {
  await runOrThrow("systemd-sysusers", [join(candidate.root, NAMES.systemd, `${layout.name}.sysusers`)]);
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
TimeoutStartSec=infinity
RuntimeDirectoryPreserve=yes
`;
}

/** systemd.service(5), "command lines": backslash, quote, specifier and variable. */
function escapeWord(word: string): string {
  const quoted = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return quoted.replaceAll("%", "%%").replaceAll("$", () => "$$");
}

/** The drop-ins that the service has in /etc, gantry's and the host's, by name. */
export function readDropIns(layout: ServiceLayout): Map<string, string> {
  const directory = dropInDirectory(layout);
  const names = readNames(directory).filter((name) => name.endsWith(".conf"));
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
