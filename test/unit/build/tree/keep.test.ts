/** The keep list: what stays although a rule would drop it, and what is no entry of it. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { captureTree } from "../../../../src/build/tree/capture.ts";
import { findUnmatched, matchesPattern, packageOfPattern } from "../../../../src/build/tree/keep.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { makeDirectory } from "../../../support/build/scratch.ts";

const TARGET = parseTarget("linux-x64-gnu");

describe("a pattern", () => {
  it.each([
    ["a/docs/schema.md", "a/docs/schema.md", true],
    ["a/docs/schema.md", "a/docs/schema.mdx", false],
    ["a/docs/schema.md", "b/a/docs/schema.md", false],
    ["a/docs", "a/docs/deep/x.md", true],
    ["a/docs/", "a/docs/x.md", true],
    ["a/docs", "a/docs.md", false],
    ["a/*.md", "a/x.md", true],
    ["a/*.md", "a/deep/x.md", false],
    ["a/**/*.md", "a/x.md", true],
    ["a/**/*.md", "a/deep/deeper/x.md", true],
    ["a/**", "a/deep/x", true],
    ["@s/a/?.ts", "@s/a/x.ts", true],
    ["@s/a/?.ts", "@s/a//.ts", false],
    ["a/x+y(1).md", "a/x+y(1).md", true],
    ["a/x.md", "a/xxmd", false],
  ])("%s and %s: %j", (pattern, path, kept) => expect(matchesPattern([pattern])(path)).toBe(kept));

  it("that is about nothing names the nearest file", () => {
    const paths = ["a/docs/schema.md", "a/index.js"];
    const setting = "gantry.keep";
    expect(
      findUnmatched(setting, ["a/docs/shema.md", "a/index.js", "zzz/completely/other.bin"], paths),
    ).toEqual([
      { setting, pattern: "a/docs/shema.md", nearest: "a/docs/schema.md" },
      { setting, pattern: "zzz/completely/other.bin", nearest: undefined },
    ]);
    expect(findUnmatched(setting, "all", [])).toEqual([]);
    expect(["@s/a/x", "a/x", "a"].map(packageOfPattern)).toEqual(["@s/a", "a", "a"]);
  });
});

describe("a captured tree", () => {
  const FILES = [
    "a/index.js",
    "a/docs/schema.md",
    "a/docs/other.md",
    "a/index.d.ts",
    "a/prebuilds/darwin-arm64/a.node",
    "a/prebuilds/linux-x64/a.node",
    "types/package.json",
    "types/index.d.ts",
    "stranger/README.md",
  ];
  const CLOSURE = ["a", "types"].map((name) => ({ path: name, name, version: "1.0.0", neededBy: ["a"] }));
  const make = (): string => {
    const directory = makeDirectory();
    for (const path of FILES) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), path);
    }
    return directory;
  };
  const left = (directory: string) => FILES.filter((path) => existsSync(join(directory, path)));

  it("holds kept files beside needed ones, also of a package with nothing to load", () => {
    const directory = make();
    const { unmatched } = captureTree(directory, CLOSURE, TARGET, {
      keep: ["a/docs/schema.md", "types/*.d.ts", "a/x.md"],
    });
    expect(left(directory)).toEqual([
      "a/index.js",
      "a/docs/schema.md",
      "a/prebuilds/linux-x64/a.node",
      "types/package.json",
      "types/index.d.ts",
    ]);
    expect(unmatched.map(({ pattern }) => pattern)).toEqual(["a/x.md"]);
  });

  it("holds all files without pruning, and loads no other platform's", () => {
    const directory = make();
    const { native, leftOut } = captureTree(directory, CLOSURE, TARGET, { keep: "all" });
    expect(left(directory)).toEqual(FILES.slice(0, -1));
    expect(leftOut).toEqual([{ reason: "packages outside the closure", files: 1, bytes: 18 }]);
    expect(native.map(({ path }) => path)).toEqual(["a/prebuilds/linux-x64/a.node"]);
  });
});
