/** What the next start would do with what doctor found. Nothing is changed. */
import type { Finding } from "../../base/errors.ts";
import { count, formatBytes } from "../../base/text.ts";
import {
  checkWritable,
  type LocationPlan,
  moduleSize,
  type Release,
  type TreeInspection,
  type TreeState,
} from "../../modules/index.ts";
import { wantedModules } from "../../release/index.ts";
import { planWrite, type Opened, type Session } from "../session.ts";
import { networkRule, planSource } from "../source-plan.ts";

/** Where a start would take the modules from, and the findings that would stop it. */
export function planNextInstall(
  session: Session,
  opened: Opened,
): { readonly way: string; readonly hindrances: readonly Finding[]; readonly target: LocationPlan } {
  const { release, location } = opened;
  const source = planSource(session, release, { network: networkRule(session, release, "start") });
  const target = checkWritable(location) === undefined ? opened.plan : planWrite(session, opened);
  const { refusal } = target;
  return {
    target,
    way: "run" in source ? source.description : "",
    hindrances: [...(refusal === undefined ? [] : [refusal]), ...("run" in source ? [] : [source])],
  };
}

/** What the next start will do, in words: start at once, check, install, or refuse. */
export function foretellStart(
  state: TreeState["state"],
  release: Release,
  found: {
    readonly own: readonly Finding[];
    readonly tree: TreeInspection | undefined;
    readonly install: boolean;
    readonly way: string;
    readonly hindrances: readonly Finding[];
  },
): string {
  if (found.own.length > 0 || found.hindrances.length > 0) return "refuse, with the findings below";
  if (found.install) {
    const modules = wantedModules(release.manifest);
    const bytes = modules.reduce((sum, [, module]) => sum + moduleSize(module), 0);
    return `install ${count(modules.length, "module")} (${formatBytes(bytes)}) ${found.way}`;
  }
  if ((found.tree?.findings.length ?? 0) > 0) return "refuse, with the findings below";
  return state === "ready" ? "start the app at once" : "check the modules where they lie, then start the app";
}
