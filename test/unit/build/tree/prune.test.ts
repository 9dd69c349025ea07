import { describe, expect, it } from "vitest";
import { hasNothingToLoad, pruneReason } from "../../../../src/build/tree/prune.ts";

describe("pruneReason", () => {
  it.each([
    ["index.js", undefined],
    ["package.json", undefined],
    ["lib/binding.node", undefined],
    ["LICENSE.md", undefined],
    ["docs/LICENCE", undefined],
    ["NOTICE.txt", undefined],
    ["data/readme-parser.js", undefined],
    ["lib/test/fixture.js", undefined],
    ["index.d.ts", "type declarations"],
    ["types/index.d.cts", "type declarations"],
    ["index.js.map", "source maps"],
    ["README.md", "documentation"],
    ["HISTORY", "documentation"],
    ["changes.txt", "documentation"],
    ["lib/history.js", undefined],
    ["security.mjs", undefined],
    ["test/index.js", "tests"],
    ["binding.gyp", "native sources"],
    ["src/addon.cc", "native sources"],
  ])("%s: %s", (path, reason) => {
    expect(pruneReason(path)).toBe(reason);
  });
});

it("a package of nothing but its package.json and licence has nothing to load", () => {
  expect(hasNothingToLoad(["package.json", "LICENSE"])).toBe(true);
  expect(hasNothingToLoad(["package.json", "index.js"])).toBe(false);
});
