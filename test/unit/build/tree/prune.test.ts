import { describe, expect, it } from "vitest";
import { hasNothingToLoad, pruneReason } from "../../../../src/build/tree/prune.ts";
import { parseTarget } from "../../../../src/release/targets.ts";

const GNU = parseTarget("linux-x64-gnu");
const MUSL = parseTarget("linux-x64-musl");
const MAC = parseTarget("darwin-arm64");

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
    expect(pruneReason(path, GNU)).toBe(reason);
  });

  /** The files of bcrypt 6.0.0, by `npm pack --dry-run`. */
  it.each([
    [GNU, "prebuilds/linux-x64/bcrypt.glibc.node", undefined],
    [GNU, "prebuilds/linux-x64/bcrypt.musl.node", "other platforms' binaries"],
    [MUSL, "prebuilds/linux-x64/bcrypt.glibc.node", "other platforms' binaries"],
    [MUSL, "prebuilds/linux-x64/bcrypt.musl.node", undefined],
    [GNU, "prebuilds/linux-arm64/bcrypt.glibc.node", "other platforms' binaries"],
    [GNU, "prebuilds/win32-x64/bcrypt.node", "other platforms' binaries"],
    [MAC, "prebuilds/darwin-arm64/bcrypt.node", undefined],
    [MAC, "prebuilds/darwin-x64+arm64/x.node", undefined],
    [GNU, "prebuilds/darwin-x64+arm64/x.node", "other platforms' binaries"],
    [GNU, "prebuilds/index.js", undefined],
    // better-sqlite3 13.2.0
    [GNU, "prebuilds/linux-x64.node", undefined],
    [GNU, "prebuilds/linuxmusl-x64.node", "other platforms' binaries"],
    [GNU, "prebuilds/linux-arm64.node", "other platforms' binaries"],
    [GNU, "prebuilds/win32-x64.node", "other platforms' binaries"],
    [MUSL, "prebuilds/linuxmusl-x64.node", undefined],
    [MUSL, "prebuilds/linux-x64.node", "other platforms' binaries"],
    [MUSL, "prebuilds/linuxmusl-arm64.node", "other platforms' binaries"],
    [MAC, "prebuilds/darwin-arm64.node", undefined],
  ] as const)("for $name, %s: %s", (target, path, reason) => {
    expect(pruneReason(path, target)).toBe(reason);
  });
});

it("a package of nothing but its package.json and licence has nothing to load", () => {
  expect(hasNothingToLoad(["package.json", "LICENSE"])).toBe(true);
  expect(hasNothingToLoad(["package.json", "index.js"])).toBe(false);
});
