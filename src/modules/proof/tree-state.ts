/**
 * From what is there to what has to happen, without doing any of it. Three states: ready (start), present (prove the
 * tree where it lies), absent (make one).
 */
import type { TreeFacts } from "./tree-facts.ts";

export interface Plan {
  readonly state: "ready" | "present" | "absent";
  /** Why it is not ready, for people; empty when it is. */
  readonly why: string;
}

export function planStart(facts: TreeFacts): Plan {
  if (!facts.tree) return { state: "absent", why: "the modules were never installed here" };
  const [missing] = facts.missing;
  if (missing !== undefined) return { state: "present", why: `${missing} is missing` };
  if (!facts.stamp) return { state: "present", why: "the modules were not proven on this host yet" };
  const [newer] = facts.newer;
  if (newer !== undefined) return { state: "present", why: `${newer} changed since the modules were proven` };
  return { state: "ready", why: "" };
}
