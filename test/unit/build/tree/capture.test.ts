import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dropUnavailable, findUnbuilt } from "../../../../src/build/tree/available.ts";
import { captureTree, type ClosurePackage } from "../../../../src/build/tree/capture.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { sha256 } from "../../../../src/release/tree.ts";

const TARGET = parseTarget("linux-x64-gnu");
const CLOSURE: readonly ClosurePackage[] = [
  { path: "one", name: "one", version: "1.0.0", neededBy: ["one"] },
  { path: "one/node_modules/two", name: "two", version: "2.0.0", neededBy: ["one"] },
  { path: "@types/x", name: "@types/x", version: "3.0.0", neededBy: ["one"] },
  { path: "three", name: "three", version: "3.0.0", neededBy: ["three"] },
];
const FILES: Record<string, string> = {
  "one/package.json": "{}",
  "one/index.js": "1",
  "one/index.d.ts": "type",
  "one/bin/run": "run",
  "one/node_modules/two/two.node": "two",
  "@types/x/package.json": "{}",
  "@types/x/index.d.ts": "x",
  "three/lib/three.js": "3",
  "stranger/index.js": "s",
  ".bin/run": "b",
  "one/node_modules/.bin/two": "b",
};

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-capture-"));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), text, { mode: 0o600 });
  }
  chmodSync(join(directory, "one/bin/run"), 0o700);
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("captureTree", () => {
  it("gives every file to its package, with size, digest and mode", () => {
    const { modules, native } = captureTree(directory, CLOSURE, TARGET);
    expect(Object.keys(modules)).toEqual(["one", "one/node_modules/two", "three"]);
    expect(modules["one"]?.files).toEqual({
      "package.json": [2, sha256("{}")],
      "index.js": [1, sha256("1")],
      "bin/run": [3, sha256("run"), "x"],
    });
    expect(native).toEqual([{ path: "one/node_modules/two/two.node", neededBy: ["one"] }]);
  });

  it("leaves on disk exactly what it lists, with modes that owe nothing to the umask", () => {
    captureTree(directory, CLOSURE, TARGET);
    const left = Object.keys(FILES).filter((path) => existsSync(join(directory, path)));
    expect(left).toEqual([
      "one/package.json",
      "one/index.js",
      "one/bin/run",
      "one/node_modules/two/two.node",
      "three/lib/three.js",
    ]);
    expect(left.map((path) => statSync(join(directory, path)).mode & 0o777)).toEqual([
      0o644, 0o644, 0o755, 0o644, 0o644,
    ]);
    expect(existsSync(join(directory, "@types"))).toBe(false);
  });

  it("counts what went, and why", () => {
    const { leftOut } = captureTree(directory, CLOSURE, TARGET);
    expect(Object.fromEntries(leftOut.map(({ reason, files, bytes }) => [reason, [files, bytes]]))).toEqual({
      "type declarations": [2, 5],
      "packages with nothing to load": [1, 2],
      "packages outside the closure": [1, 1],
      "command links": [2, 2],
    });
  });
});

it("an unavailable external takes along what only it needs", () => {
  const tree = captureTree(directory, CLOSURE, TARGET);
  const unavailable = findUnbuilt(tree, [
    { name: "one", optional: true, native: true },
    { name: "three", optional: true, native: true },
  ]);
  expect([...unavailable.keys()]).toEqual(["three"]);
  const rest = dropUnavailable(tree, directory, unavailable);
  expect(Object.keys(rest.modules)).toEqual(["one", "one/node_modules/two"]);
  expect(existsSync(join(directory, "three/lib/three.js"))).toBe(false);
});
