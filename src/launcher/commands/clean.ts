/** `./gantry clean`: removes the service's old generations, stale files, and unused trees of the stores. */
import { defineCommand } from "../../base/command-line.ts";
import {
  type CleanedTree,
  type CleanOptions,
  cleanStores,
  locationInRelease,
  cleanStaleFiles,
} from "../../modules/index.ts";
import {
  cleanService,
  planClean,
  readInstalled,
  serviceLayout,
  type ServiceResult,
} from "../../service/index.ts";
import { formatBytes } from "../../base/text.ts";
import {
  DRY_RUN_FLAG,
  JSON_FLAG,
  KEEP_FLAG,
  openService,
  openServiceAsRoot,
  readKeep,
  runService,
} from "../service-session.ts";
import { openRelease, ownerOf, type Session } from "../session.ts";

export function cleanCommand(session: Session) {
  return defineCommand({
    meta: { name: "clean", description: "Removes generations and shared modules that nothing uses any more" },
    args: { keep: KEEP_FLAG, "dry-run": DRY_RUN_FLAG, json: JSON_FLAG },
    run: ({ args }) =>
      runService(session, args.json, () =>
        clean(session, args.keep, args["dry-run"] === true ? "look" : "remove"),
      ),
  });
}

/** Removes generations first: a tree in a store becomes unused when the last release that uses it is removed. */
async function clean(
  session: Session,
  keep: string | undefined,
  intent: CleanOptions["intent"],
): Promise<ServiceResult> {
  const began = performance.now();
  const { release } = openRelease(session);
  const service = await cleanGenerations(session, release.manifest.binary, keep, intent);
  const options = { owner: ownerOf(session), signal: session.signal, intent };
  if (intent === "remove") await cleanStaleFiles(locationInRelease(release.layout), session.signal);
  const trees = await cleanStores(options);
  const removed = [...(service?.removed ?? []), ...trees.filter(isState("removed")).map(describeTree)];
  const steps = [
    ...(service?.steps ?? []),
    ...trees.filter(isState("unused")).map((tree) => `remove ${describeTree(tree)}`),
  ];
  const kept = trees.filter(isState("kept")).map((tree) => `kept ${describeTree(tree)}`);
  const idle = removed.length + steps.length === 0;
  return {
    schema: 1,
    action: "clean",
    name: service?.name ?? release.manifest.binary,
    outcome: intent === "look" ? "planned" : idle ? "unchanged" : "done",
    from: service?.from ?? null,
    to: service?.to ?? null,
    facts: [...(service?.facts ?? (idle ? ["there is nothing to remove"] : [])), ...kept],
    ...(intent === "look" ? { steps } : { removed }),
    next: service?.next ?? [],
    seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
  };
}

/**
 * Removes old generations of the service, or plans it. Without --keep, the result is undefined when no service is
 * installed, and when a user who is not root removes: then only the user's own stores are cleaned. With --keep, both
 * are errors.
 */
async function cleanGenerations(
  session: Session,
  name: string,
  keep: string | undefined,
  intent: CleanOptions["intent"],
): Promise<ServiceResult | undefined> {
  const count = readKeep(keep);
  const installed = readInstalled(serviceLayout(name, "/")) !== undefined;
  if (keep === undefined && (!installed || (session.self.uid !== 0 && intent === "remove"))) return undefined;
  if (intent === "look") return planClean(openService(session), count);
  return cleanService(openServiceAsRoot(session, "clean"), count);
}

const isState =
  (state: CleanedTree["state"]) =>
  (tree: CleanedTree): boolean =>
    tree.state === state;

function describeTree({ path, bytes, why }: CleanedTree): string {
  return `${path} (${formatBytes(bytes)}): ${why}`;
}
