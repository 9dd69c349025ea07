/**
 * The state of a tree, which decides what has to be done: ready (start), present (prove the existing tree), absent
 * (install one). A start reads it once in each step: before a location is chosen, with the lock, before the rename.
 */
import type { TreeLocation, Release } from "../release/unpacked.ts";
import { readHostId, readTreeFacts, type TreeFacts } from "./tree-facts.ts";

export interface TreeState {
  readonly state: "ready" | "present" | "absent";
  /** Why it is not ready, in words for people; empty when it is ready. */
  readonly why: string;
}

/** @param host as readHostId returns it */
export function readTreeState(release: Release, location: TreeLocation, host = readHostId()): TreeState {
  return treeState(readTreeFacts(release, location, host));
}

export function treeState(facts: TreeFacts): TreeState {
  if (!facts.tree) return { state: "absent", why: "the modules were never installed here" };
  const [missing] = facts.missing;
  if (missing !== undefined) return { state: "present", why: `${missing} is missing` };
  if (!facts.stamp) return { state: "present", why: "the modules were not proven on this host yet" };
  const [newer] = facts.newer;
  if (newer !== undefined) return { state: "present", why: `${newer} changed since the modules were proven` };
  return { state: "ready", why: "" };
}
