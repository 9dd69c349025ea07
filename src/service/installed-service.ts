/** Reads what is installed now. Changes nothing. */
import { join } from "node:path";
import { GantryError } from "../base/errors.ts";
import { readCandidate, type Candidate, type ServiceSettings } from "./releases/candidate.ts";
import type { ServiceContext } from "./service-context.ts";
import { readGenerations, readLink } from "./releases/generations.ts";
import { healthyGenerations, readHistory } from "./transaction/history.ts";
import type { RetentionFacts } from "./releases/retention.ts";
import type { ServiceLayout } from "./service-layout.ts";
import type { ChangeRecord } from "./transaction/record.ts";
import { isUp, readUnit, runningGeneration, type UnitState } from "./systemd/systemctl.ts";

/** The release in charge. Undefined when nothing is installed. */
export function readInstalled(layout: ServiceLayout): Candidate | undefined {
  const current = readLink(layout.current);
  return current === null ? undefined : readCandidate(join(layout.releases, current));
}

/**
 * The release in charge.
 * @throws GantryError RELEASE_FILE_MISSING when nothing is installed
 */
export function requireInstalled(layout: ServiceLayout): Candidate {
  const installed = readInstalled(layout);
  if (installed !== undefined) return installed;
  throw new GantryError({
    code: "RELEASE_FILE_MISSING",
    what: `${layout.name} is not installed as a service on this host`,
    where: layout.current,
    fix: "sudo ./gantry install",
  });
}

/**
 * The service settings of a release.
 * @throws GantryError MANIFEST_INVALID for a release without them
 */
export function requireSettings({ service, name, version, root }: Candidate): ServiceSettings {
  if (service !== undefined) return service;
  const what = `${name} ${version} has no service settings in its manifest`;
  throw new GantryError({
    code: "MANIFEST_INVALID",
    what,
    where: root,
    fix: "build it for Linux, with this version of gantry",
  });
}

export function readRetentionFacts(layout: ServiceLayout, state: UnitState): RetentionFacts {
  return {
    generations: readGenerations(layout),
    current: readLink(layout.current),
    fallback: readLink(layout.fallback),
    running: runningGeneration(layout, state),
    healthy: healthyGenerations(readHistory(layout)),
  };
}

/** Makes the record of a change that is about to begin, with the generation in charge as `from`. */
export async function newRecord(
  { layout, who }: ServiceContext,
  action: ChangeRecord["action"],
): Promise<ChangeRecord> {
  const state = await readUnit(layout.unit);
  return {
    schema: 1,
    action,
    from: readLink(layout.current),
    to: null,
    created: false,
    running: isUp(state) || state.ActiveState === "failed",
    step: "placing",
    began: Date.now(),
    who,
  };
}
