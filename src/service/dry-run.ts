/** `--dry-run`: the steps that a command would take, in order. Changes nothing. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkCandidate, parseCandidate, readCandidate, type Candidate } from "./releases/candidate.ts";
import type { ServiceContext } from "./service-context.ts";
import { readLink } from "./releases/generations.ts";
import { readInstalled, readRetentionFacts, requireInstalled } from "./installed-service.ts";
import { planClean as planRemoval } from "./releases/retention.ts";
import { generationVersion } from "./service-layout.ts";
import { MOST_MANIFEST_BYTES } from "./releases/import/limits.ts";
import { nameOf, type Source } from "./releases/import/release-source.ts";
import { openSourceTree, readSmall } from "./releases/import/source-tree.ts";
import { requireFreePort } from "./health/port.ts";
import { checkNames } from "./names/system-names.ts";
import type { ServiceResult } from "./result.ts";
import { readUnit } from "./systemd/systemctl.ts";
import { formatRemoval, planRemovals, requireTraces, type UninstallOptions } from "./uninstall.ts";
import { openTrust, type TrustOptions } from "./keys/trust.ts";
import { recoveryUnits } from "./systemd/installed-units.ts";
import { chooseTarget } from "./upgrade.ts";
import { errorCode, GantryError } from "../base/errors.ts";
import { NAMES } from "../release/index.ts";

function planned(
  { layout }: ServiceContext,
  plan: Pick<ServiceResult, "action" | "from" | "to" | "facts"> & { readonly steps: readonly string[] },
): ServiceResult {
  return { schema: 1, name: layout.name, outcome: "planned", next: [], seconds: 0, ...plan };
}

export async function planInstall(context: ServiceContext): Promise<ServiceResult> {
  const { layout } = context;
  const own = readCandidate(context.own.root);
  // Only root can read the marks.
  if (context.uid === 0) await checkNames(layout, own);
  if (own.service !== undefined) await requireFreePort(layout, own.service);
  const installed = readInstalled(layout);
  const facts = installed === undefined ? [] : [`${installed.generation} is installed`];
  const to = own.generation;
  if (installed !== undefined && installed.generation !== to) {
    const steps = [`put the release into ${join(layout.releases, to)}`, ...switchSteps(context, own)];
    return planned(context, { action: "upgrade", from: installed.generation, to, facts, steps });
  }
  const steps = [
    `put the release into ${join(layout.releases, to)}, owned by root, and prepare its modules there`,
    `make the system user ${own.service?.user ?? layout.name}`,
    existsSync(layout.env)
      ? `keep ${layout.env}`
      : `make ${layout.env} (mode 0600) from the example, commented out`,
    ...(own.activate === undefined
      ? []
      : [`run ${layout.name} ${own.activate.join(" ")} as that user, once`]),
    `write ${join(layout.units, layout.unit)} and ${recoveryUnits(layout).join(", ")}`,
    `point ${layout.current} to it, enable and start ${layout.unit}`,
    healthStep(own),
  ];
  return planned(context, { action: "install", from: installed?.generation ?? null, to, facts, steps });
}

/**
 * The steps of an upgrade after its generation is in releases/.
 * @param to the new release; undefined when it is not known yet, as of an archive
 */
function switchSteps({ layout }: ServiceContext, to: Candidate | undefined): string[] {
  const snapshot = to?.service?.snapshot === true;
  return [
    ...(snapshot
      ? [`stop the service and copy ${layout.data}, to be put back if the new one is not healthy`]
      : []),
    ...(to?.activate === undefined
      ? []
      : [`run ${layout.name} ${to.activate.join(" ")} as the service's user, once`]),
    `point ${layout.current} to it and restart ${layout.unit}`,
    to === undefined ? "wait until it is healthy" : healthStep(to),
    "go back if it is not, and end with exit status 69",
  ];
}

function healthStep({ service }: Candidate): string {
  if (service === undefined) return "wait until it is healthy";
  const { port, health = "/", healthWindow, healthSettle } = service;
  const settled = `and stays so for ${healthSettle} s without a restart`;
  if (port === undefined) return `wait until it runs, or is ready, at most ${healthWindow} s, ${settled}`;
  return `wait until port ${port} is its own and ${health} there answers well, at most ${healthWindow} s, ${settled}`;
}

export async function planUpgrade(
  context: ServiceContext,
  source: Source,
  options: TrustOptions,
): Promise<ServiceResult> {
  const installed = requireInstalled(context.layout);
  const to = source.kind === "directory" ? readOffered(source.root) : undefined;
  const refused = to === undefined ? undefined : checkCandidate(to, context.own, context.own.target);
  if (refused !== undefined) throw new GantryError(refused);
  if (to !== undefined) checkFollows(context, installed, to, { source, options });
  // An archive is not read before its signature is checked. The settings of the installed release are the best guess.
  const service = (to ?? installed).service;
  if (service !== undefined) await requireFreePort(context.layout, service);
  const keys = [options.publicKey ?? installed.publicKey ?? []].flat();
  const steps = [
    keys.length === 0
      ? "check the release's own SHA256SUMS"
      : `check its signature with the key ${keys.join(" or ")}, and SHA256SUMS`,
    "put it into a new generation, and prepare its modules there",
    ...switchSteps(context, to),
  ];
  const facts = [`${installed.generation} is installed`];
  return planned(context, {
    action: "upgrade",
    from: installed.generation,
    to: to?.generation ?? null,
    facts,
    steps,
  });
}

/** Reads a candidate from a directory that other users may change meanwhile. */
function readOffered(root: string): Candidate {
  const tree = openSourceTree(root, { named: root });
  try {
    const text = readSmall(tree, NAMES.manifest, MOST_MANIFEST_BYTES)?.toString("utf8");
    return text === undefined ? readCandidate(root) : parseCandidate(text, root);
  } finally {
    tree.close();
  }
}

/**
 * Checks that the release may be installed after those that ran here. Only root can read what is needed for that. For
 * other users the plan is made without this check.
 */
function checkFollows(
  { layout }: ServiceContext,
  installed: Candidate,
  to: Candidate,
  { source, options }: { readonly source: Source; readonly options: TrustOptions },
): void {
  try {
    openTrust(layout, installed, options).checkFollows(to, nameOf(source));
  } catch (error) {
    if (errorCode(error) !== "EACCES") throw error;
  }
}

export async function planRollback(
  context: ServiceContext,
  version: string | undefined,
): Promise<ServiceResult> {
  const { layout } = context;
  const { generation } = requireInstalled(layout);
  const to = await chooseTarget(context, version);
  const candidate = readCandidate(join(layout.releases, to));
  if (candidate.service !== undefined) await requireFreePort(layout, candidate.service);
  const steps = [
    "prove its modules on this host again",
    `point ${layout.current} to ${to} and restart ${layout.unit}`,
    healthStep(candidate),
    `go back to ${generationVersion(generation) ?? generation} if it is not healthy`,
  ];
  return planned(context, {
    action: "rollback",
    from: generation,
    to,
    facts: [`${generation} is in charge`],
    steps,
  });
}

export async function planClean(context: ServiceContext, keep: number): Promise<ServiceResult> {
  const { layout } = context;
  const { generation } = requireInstalled(layout);
  const old = planRemoval(readRetentionFacts(layout, await readUnit(layout.unit)), keep);
  const paths = [...old.map((name) => join(layout.releases, name)), layout.replaced];
  const steps = paths.filter((path) => existsSync(path)).map((path) => `remove ${path}`);
  const facts = [steps.length === 0 ? "there is nothing to remove" : `${generation} stays in charge`];
  return planned(context, { action: "clean", from: generation, to: generation, facts, steps });
}

export async function planUninstall(
  context: ServiceContext,
  data: UninstallOptions["data"],
): Promise<ServiceResult> {
  const { layout } = context;
  requireTraces(layout);
  const from = readLink(layout.current);
  const steps = [
    `stop and disable ${layout.unit}`,
    ...(await planRemovals(layout, context.own.name, data)).map(formatRemoval),
    ...(data === "purge" ? [] : [`keep ${layout.data} and ${layout.env}`]),
  ];
  const facts = [from === null ? `what is left of ${layout.name} goes` : `${from} is installed`];
  return planned(context, { action: "uninstall", from, to: null, facts, steps });
}
