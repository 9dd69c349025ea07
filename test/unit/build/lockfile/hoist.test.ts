import { describe, expect, it } from "vitest";
import { resolveKey, splitKey, type BunLock } from "../../../../src/release/bun-lock.ts";
import { requireBunLock } from "../../../../src/build/app/sources/convert-lockfile.ts";
import { findPins, walkClosure } from "../../../../src/build/lockfile/package-closure.ts";
import { formatCandidate, pinLines, hoistClosure } from "../../../../src/build/lockfile/hoist.ts";
import { parseTarget } from "../../../../src/release/targets.ts";

const X64 = parseTarget("linux-x64-gnu");

/** A lockfile from keys to `version needs…`: `"a": "1.0.0 b c"`. The word `bundled` marks what is in a tarball. */
function lockOf(entries: Record<string, string>, root: readonly string[]): BunLock {
  const packages = Object.entries(entries).map(([key, text]) => {
    const [version, ...words] = text.split(" ");
    const needs = words.filter((word) => word !== "bundled");
    const dependencies = Object.fromEntries(needs.map((name) => [name, "*"]));
    return [
      key,
      [
        `${splitKey(key).at(-1)}@${version}`,
        "",
        { dependencies, bundled: words.includes("bundled") },
        `sha512-${version}`,
      ],
    ];
  });
  const dependencies = Object.fromEntries(root.map((name) => [name, "*"]));
  const lock = {
    lockfileVersion: 2,
    workspaces: { "": { name: "app", dependencies } },
    packages: Object.fromEntries(packages),
  };
  return requireBunLock(JSON.stringify(lock), "bun.lock");
}

/** Places what some externals need and returns `path@version`s, with a mark for what a tarball brings. */
function place(lock: BunLock, externals: readonly string[]): string[] {
  const pins = findPins(lock, "", new Set(externals));
  const roots = new Map([...pins.values()].map((pin) => [pin.name, pin.key]));
  const closure = walkClosure(lock, [...roots.values()], X64);
  const placed = hoistClosure(closure, roots);
  const written = requireBunLock(
    formatCandidate(placed, { name: "app", dependencies: {}, optionalDependencies: {} }, 2),
    "",
  );
  // Whatever the layout: every package must get what it got before.
  expect(pinLines(walkClosure(written, [...roots.keys()], X64))).toEqual(pinLines(closure));
  return [...placed]
    .map(([path, { entry }]) =>
      entry.kind === "registry" ? `${path}@${entry.version}${entry.info.bundled ? " bundled" : ""}` : path,
    )
    .toSorted();
}

describe("hoistClosure", () => {
  it("lifts what was nested for another part of the app", () => {
    const lock = lockOf({ lib: "1.0.0", addon: "1.0.0 lib", "addon/lib": "2.0.0" }, ["addon", "lib"]);
    expect(place(lock, ["addon"])).toEqual(["addon@1.0.0", "lib@2.0.0"]);
  });

  it("nests what conflicts with an external of the same name", () => {
    const lock = lockOf({ lib: "1.0.0", addon: "1.0.0 lib", "addon/lib": "2.0.0" }, ["addon", "lib"]);
    expect(place(lock, ["addon", "lib"])).toEqual(["addon/lib@2.0.0", "addon@1.0.0", "lib@1.0.0"]);
  });

  it("never captures what a nested package gets from further up", () => {
    // x, inside a, gets lib 1 from the top; a itself gets lib 2. lib 2 must not end up between them.
    const lock = lockOf(
      { lib: "1.0.0", a: "1.0.0 lib x", "a/lib": "2.0.0", x: "1.0.0 lib", b: "1.0.0 x", "b/x": "2.0.0 lib" },
      ["a", "b", "lib"],
    );
    expect(place(lock, ["a", "b", "lib"])).toEqual([
      "a/lib@2.0.0",
      "a@1.0.0",
      "b/x@2.0.0",
      "b@1.0.0",
      "lib@1.0.0",
      "x@1.0.0",
    ]);
  });

  it("leaves what a tarball brings where the tarball has it", () => {
    // The tool's tarball has a and b, where b needs a. It is nested in the app, and goes to the top.
    const lock = lockOf(
      {
        user: "1.0.0 tool",
        "user/tool": "2.0.0 a x",
        "user/tool/a": "1.0.0 bundled b",
        "user/tool/b": "1.0.0 bundled a c",
        "user/tool/b/c": "1.0.0 bundled",
        x: "1.0.0 c",
        c: "2.0.0",
        tool: "1.0.0",
      },
      ["user", "tool"],
    );
    expect(place(lock, ["user"])).toEqual([
      "c@2.0.0",
      "tool/a@1.0.0 bundled",
      "tool/b/c@1.0.0 bundled",
      "tool/b@1.0.0 bundled",
      "tool@2.0.0",
      "user@1.0.0",
      "x@1.0.0",
    ]);
  });

  it("fetches what is bundled elsewhere and has to be at the top", () => {
    const lock = lockOf({ tool: "1.0.0 a", "tool/a": "1.0.0 bundled" }, ["tool"]);
    expect(place(lock, ["a"])).toEqual(["a@1.0.0"]);
  });

  it("follows circles", () => {
    const lock = lockOf({ a: "1.0.0 b", b: "1.0.0 a" }, ["a"]);
    expect(place(lock, ["a"])).toEqual(["a@1.0.0", "b@1.0.0"]);
  });

  it("keeps scoped names whole", () => {
    const lock = lockOf({ "@s/a": "1.0.0 @s/b", "@s/b": "1.0.0", "@s/a/@s/b": "2.0.0" }, ["@s/a", "@s/b"]);
    expect(place(lock, ["@s/a", "@s/b"])).toEqual(["@s/a/@s/b@2.0.0", "@s/a@1.0.0", "@s/b@1.0.0"]);
  });
});

describe("resolveKey", () => {
  const lock = lockOf(
    { a: "1.0.0", "@s/p": "1.0.0", "@s/p/a": "2.0.0", "@s/p/q": "1.0.0", "@s/p/q/a": "3.0.0" },
    [],
  );
  it.each([
    ["", "a", "a"],
    ["@s/p", "a", "@s/p/a"],
    ["@s/p/q", "a", "@s/p/q/a"],
    ["@s/p/q", "@s/p", "@s/p"],
    ["a", "q", undefined],
  ])("from %j, %s is %s", (from, name, key) => {
    expect(resolveKey(lock, from, name)).toBe(key);
  });
});

describe("findPins", () => {
  it("looks past externals only for names that nothing else asks for", () => {
    const lock = lockOf(
      { client: "1.0.0 core", "client/core": "2.0.0", core: "1.0.0", other: "1.0.0 core" },
      ["client", "other"],
    );
    expect(findPins(lock, "", new Set(["client", "core"])).get("core")?.key).toBe("core");
    const alone = lockOf({ client: "1.0.0 core", "client/core": "2.0.0" }, ["client"]);
    expect(findPins(alone, "", new Set(["client", "core"])).get("core")?.key).toBe("client/core");
  });
});
