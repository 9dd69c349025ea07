import { describe, expect, it } from "vitest";
import type { TreeFacts } from "../../../src/modules/proof/tree-facts.ts";
import { treeState } from "../../../src/modules/proof/tree-state.ts";

const READY: TreeFacts = { tree: true, stamp: true, newer: [], missing: [], absent: [] };

describe("treeState", () => {
  it.each<[string, Partial<TreeFacts>, string, RegExp]>([
    ["all is in place", {}, "ready", /^$/],
    ["an optional module was left out before", { absent: ["extra"] }, "ready", /^$/],
    ["there is no tree", { tree: false, stamp: false }, "absent", /never installed/],
    ["a stamp without a tree", { tree: false }, "absent", /never installed/],
    ["there is no stamp for this host", { stamp: false }, "present", /not proven/],
    ["the C library is newer", { newer: ["/etc/ld.so.cache"] }, "present", /ld\.so\.cache changed/],
    ["a native file is gone", { missing: ["/r/a.node"] }, "present", /a\.node is missing/],
  ])("%s", (_, facts, state, why) => {
    const plan = treeState({ ...READY, ...facts });
    expect(plan.state).toBe(state);
    expect(plan.why).toMatch(why);
  });
});
