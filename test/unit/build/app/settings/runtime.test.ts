import { describe, expect, it } from "vitest";
import { nodeFor } from "../../../../../src/build/app/settings/runtime.ts";
import { parseTarget } from "../../../../../src/release/targets.ts";

describe("the Node that is wanted", () => {
  const both = { default: "24.21.0", musl: "system@24" };

  it.each([
    ["24.21.0", "linux-x64-musl", "24.21.0"],
    [both, "linux-x64-gnu", "24.21.0"],
    [both, "linux-arm64-musl", "system@24"],
    [both, "darwin-arm64", "24.21.0"],
  ] as const)("of %j, for %s, is %s", (setting, target, wanted) => {
    expect(nodeFor(setting, parseTarget(target))).toBe(wanted);
  });
});
