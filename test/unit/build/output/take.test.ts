import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { takeOutput } from "../../../../src/build/output/take.ts";
import { listTraced, withoutNatives } from "../../../../src/build/output/traced.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { readTreeFiles } from "../../../../src/release/tree.ts";
import { findingsOf, makeApp, makeDirectory, writeFiles } from "../../../support/build/scratch.ts";

const X64 = parseTarget("linux-x64-gnu");
const OUTPUT = { name: "", directory: "out", entry: "main.js", beside: [], traced: true };
const pkg = (name: string, version = "1.0.0"): object => ({ name, version, main: "index.js" });
const link = (dir: string, path: string, to: string): void => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  symlinkSync(to, join(dir, path));
};
const take = (dir: string, output = OUTPUT): string => {
  const to = makeDirectory();
  takeOutput(dir, output, to);
  return to;
};

describe("takeOutput", () => {
  it("takes every file as it is, but no environment file", () => {
    const files = { "out/main.js": "1", "out/public/film.ts": "video", "out/node_modules/a/types.d.ts": "x" };
    const dir = makeApp({
      ...files,
      "out/.env": "SECRET=1",
      "out/.env.production": "SECRET=1",
      "out/node_modules/a/.env": "SECRET=1",
      "static/logo.svg": "<svg/>",
      "static/.env.local": "SECRET=1",
    });
    const to = take(dir, { ...OUTPUT, beside: [{ from: "static", to: "public/static" }] as never });
    expect(readTreeFiles(to).map(({ path }) => path)).toEqual([
      "main.js",
      "node_modules/a/types.d.ts",
      "public/film.ts",
      "public/static/logo.svg",
    ]);
  });

  it("turns pnpm's links into packages that find the same others", () => {
    const store = "out/node_modules/.pnpm";
    const dir = makeApp({
      "out/main.js": "module.exports = [require('a'), require('c').version]",
      [`${store}/a@1/node_modules/a/package.json`]: pkg("a"),
      [`${store}/a@1/node_modules/a/index.js`]:
        "module.exports = [require('b').version, require('c').version]",
      [`${store}/b@1/node_modules/b/package.json`]: pkg("b"),
      [`${store}/b@1/node_modules/b/index.js`]: "exports.version = 'b1'",
      [`${store}/c@1/node_modules/c/package.json`]: pkg("c"),
      [`${store}/c@1/node_modules/c/index.js`]: "exports.version = 'c1'",
      [`${store}/c@2/node_modules/c/package.json`]: pkg("c", "2.0.0"),
      [`${store}/c@2/node_modules/c/index.js`]: "exports.version = 'c2'",
    });
    link(dir, "out/node_modules/a", ".pnpm/a@1/node_modules/a");
    link(dir, "out/node_modules/c", ".pnpm/c@1/node_modules/c");
    link(dir, `${store}/a@1/node_modules/b`, "../../b@1/node_modules/b");
    link(dir, `${store}/a@1/node_modules/c`, "../../c@2/node_modules/c");
    // Packages of a store may need each other.
    link(dir, `${store}/b@1/node_modules/a`, "../../a@1/node_modules/a");
    const to = take(dir);
    expect(readTreeFiles(to).filter(({ kind }) => kind !== "file")).toEqual([]);
    expect(createRequire(import.meta.url)(join(to, "main.js"))).toEqual([["b1", "c2"], "c1"]);
  });
});

describe("withoutNatives", () => {
  const files = {
    "server/node_modules/db/package.json": pkg("db"),
    "server/node_modules/db/build/db.node": "",
    "server/node_modules/plain/package.json": pkg("plain"),
    "server/node_modules/@img/x-linux-x64/package.json": {
      ...pkg("@img/x-linux-x64"),
      os: ["linux"],
      cpu: ["x64"],
    },
    ".next/node_modules/db-1f2e/package.json": pkg("db"),
    ".next/node_modules/db-1f2e/build/db.node": "",
  };
  const setup = (): string => {
    const directory = makeDirectory();
    writeFiles(directory, files);
    return directory;
  };

  it("leaves native packages to the tree, and leads to them from their other names", () => {
    const directory = setup();
    expect([...listTraced(directory)].toSorted()).toEqual(["@img/x-linux-x64", "db", "plain"]);
    withoutNatives({ directory, names: new Set(["db"]), target: X64, own: true });
    const left = readTreeFiles(directory).map(({ path }) => path);
    expect(left).toEqual([
      ".next/node_modules/db-1f2e/index.cjs",
      ".next/node_modules/db-1f2e/package.json",
      "server/node_modules/plain/package.json",
    ]);
    writeFiles(directory, {
      "node_modules/db/package.json": pkg("db"),
      "node_modules/db/index.js": "exports.is = 'tree'",
    });
    const load = createRequire(join(directory, ".next/main.js"));
    expect(load("db-1f2e")).toEqual({ is: "tree" });
  });

  it("refuses this machine's native file for another target when nothing replaces it", async () => {
    const directory = setup();
    const target = parseTarget("linux-arm64-gnu");
    const findings = await findingsOf(async () =>
      withoutNatives({ directory, names: new Set(), target, own: false }),
    );
    expect(findings[0]).toMatchObject({ code: "MODULE_UNAVAILABLE" });
    expect(findings[0]?.what).toContain("db");
    expect(existsSync(join(directory, "server/node_modules/plain/package.json"))).toBe(true);
    expect(readFileSync(join(directory, "server/node_modules/db/build/db.node"), "utf8")).toBe("");
  });
});
