/**
 * Chooses the location of a release's tree: beside the release when it is or can be made there, otherwise in the first
 * usable store. Pure.
 */
import type { ErrorCode, Finding } from "../../base/errors.ts";
import { type Candidate, storeLabel } from "../../release/index.ts";
import type { TreeLocation } from "../release/unpacked.ts";
import type { CandidateFacts, LocationFacts, Reason } from "./facts.ts";

export interface LocationPlan {
  readonly location: TreeLocation;
  readonly tree: "absent" | "present" | "ready";
  /** Undefined beside the release. */
  readonly store: Candidate | undefined;
  /** Why the tree is not beside the release, and which stores were skipped, a line each. */
  readonly passed: readonly string[];
  /** Set when there is no tree and none can be made: one finding that lists every location. */
  readonly refusal: Finding | undefined;
  /** Stores that look usable without writing to them, in the order of STORE_VARIABLES. */
  readonly usable: readonly CandidateFacts[];
}

export function planLocation({ beside, candidates }: LocationFacts, need: "read" | "write"): LocationPlan {
  const { location, tree } = beside;
  const stay = { location, tree, store: undefined, refusal: undefined, usable: [] };
  if (beside.unwritable === undefined || (need === "read" && tree !== "absent")) {
    return { ...stay, passed: [] };
  }
  const there = candidates.filter((store) => need === "read" && store.tree !== "absent");
  const found = there.find((store) => store.tree === "ready") ?? there[0];
  const usable = candidates.filter(({ unwritable }) => unwritable === undefined);
  const chosen = found ?? usable[0];
  const passed = passedOver(beside.unwritable, candidates, chosen);
  if (chosen === undefined) {
    return { ...stay, passed, refusal: planRefusal(beside.unwritable, tried(candidates)) };
  }
  const { candidate: store } = chosen;
  return { location: chosen.location, tree: chosen.tree, store, passed, refusal: undefined, usable };
}

export interface Tried {
  readonly candidate: Candidate;
  readonly reason: Reason;
}

/** The stores that cannot be used, each with its reason. */
export function tried(candidates: readonly CandidateFacts[]): Tried[] {
  return candidates.flatMap(({ candidate, unwritable }) =>
    unwritable === undefined ? [] : [{ candidate, reason: unwritable }],
  );
}

function passedOver(
  beside: Finding,
  candidates: readonly CandidateFacts[],
  chosen: CandidateFacts | undefined,
): string[] {
  const before = chosen === undefined ? candidates.length : candidates.indexOf(chosen);
  return [besideLine(beside), ...tried(candidates.slice(0, before)).map(triedLine)];
}

function besideLine({ what, where }: Finding): string {
  return `beside the release, ${where ?? ""}: ${what.replace(/^.*?, (?:and )?/, "")}`;
}

export function triedLine({ candidate, reason }: Tried): string {
  return `${storeLabel(candidate)}: ${reason.text}`;
}

/** The fix to print when every store fails with the same code. */
const FIXES: Partial<Record<ErrorCode, string>> = {
  DISK_FULL: "free space in one of them, or set GANTRY_STORE to a directory with more",
  STORE_NOEXEC: "set GANTRY_STORE to a directory of this user's that is not mounted noexec",
  STORE_UNSAFE: "give one of them to this user alone (chown, chmod go-w), or set GANTRY_STORE to another",
};

/** One finding for all locations that were tried, with a detail line for each. */
export function planRefusal(beside: Finding, stores: readonly Tried[]): Finding {
  const codes = new Set(stores.map(({ reason }) => reason.code));
  const [code] = codes;
  const common = codes.size === 1 && code !== undefined ? code : "STORE_UNWRITABLE";
  const where = beside.where === undefined ? {} : { where: beside.where };
  const once = (beside.fix ?? "run ./gantry prepare once as the owner of the release").replace(/;.*$/, "");
  return {
    code: common,
    what: "the modules are not prepared, and there is no place where this user can prepare them",
    ...where,
    detail: [besideLine(beside), ...stores.map(triedLine)],
    fix: `${once}; or ${FIXES[common] ?? "set GANTRY_STORE to a directory that this user owns, outside of /tmp"}`,
  };
}
