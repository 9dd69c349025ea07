import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { analyzeApp, type Analysis } from "../../../../src/build/analyze/analyze.ts";
import { readInstallScript } from "../../../../src/build/analyze/install-script.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { makeApp, writeFiles } from "../../../support/build/scratch.ts";

type Files = Record<string, unknown>;

/** An app whose dependency `it` has these files; analysed as installed here. */
async function withPackage(
  files: Files,
  extra: Files = {},
  edge = "dependencies",
  target = "linux-x64-gnu",
): Promise<Analysis> {
  const dir = makeApp({
    "package.json": { name: "app", version: "1.0.0", [edge]: { it: "1.0.0" } },
    ...extra,
  });
  const { "package.json": json, ...others } = files;
  const own = { name: "it", version: "1.0.0", ...(json as Files | undefined) };
  writeFiles(
    dir,
    Object.fromEntries(
      [["package.json", own], ...Object.entries(others)].map(([path, content]) => [
        `node_modules/it/${path}`,
        content,
      ]),
    ),
  );
  return analyzeApp({ appDir: dir, root: dir }, { externals: undefined, optional: [] }, parseTarget(target));
}

describe("a package is native", () => {
  const cases: [string, Files, RegExp][] = [
    ["by a native file", { "build/Release/x.node": "" }, /^carries native files: build\/Release\/x\.node$/],
    [
      "by prebuilds without that ending",
      { "prebuilds/linux-x64/x.so": "" },
      /^carries prebuilt files: prebuilds\/linux-x64\/x\.so$/,
    ],
    ["by a binding.gyp", { "binding.gyp": "{}" }, /^needs its install script: install "node-gyp rebuild"/],
    [
      "by a binding.gyp that nothing builds",
      { "binding.gyp": "{}", "package.json": { scripts: { install: "exit 0" } } },
      /it has a binding\.gyp$/,
    ],
    [
      "by its variants' names",
      { "package.json": { optionalDependencies: { "it-linux-x64": "1.0.0" } } },
      /it-linux-x64 in optionalDependencies$/,
    ],
    ["by its build tool", { "package.json": { scripts: { install: "cmake-js compile" } } }, /cmake-js/],
    [
      "by a script that downloads for the platform",
      {
        "package.json": { scripts: { postinstall: "node ./get.js" } },
        "get.js": "https.get(url + process.platform)",
      },
      /fetches a file for the platform in \.\/get\.js$/,
    ],
    [
      "by a script behind node -e",
      {
        "package.json": { scripts: { postinstall: "node -e \"require('./get')\"" } },
        "get.js": "load('x.node')",
      },
      /a \.node file in \.\/get$/,
    ],
    [
      "by the loader it calls",
      { "package.json": { dependencies: { bindings: "1.0.0" } }, "index.js": "require('bindings')('x')" },
      /^loads a native file: index\.js calls bindings$/,
    ],
  ];
  it.each(cases)("%s", async (_label, files, reason) => {
    const loader = { "node_modules/bindings/package.json": { name: "bindings", version: "1.0.0" } };
    const { externals } = await withPackage(files, loader);
    expect(externals.map(({ name, role }) => `${name} ${role}`)).toEqual(["it external"]);
    expect(externals[0]?.reason).toMatch(reason);
  });
});

describe("a package is not native", () => {
  const cases: [string, Files][] = [
    ["by a native file among its tests", { "test/fixtures/x.node": "" }],
    ["by a directory that ends in .node", { "lib.node/index.js": "" }],
    [
      "by a script that prints",
      {
        "package.json": { scripts: { postinstall: "node thanks.js" } },
        "thanks.js": "console.log('see https://x.example/fund', process.platform)",
      },
    ],
    ["by a script that is not there", { "package.json": { scripts: { postinstall: "node gone.js" } } }],
    [
      "by scripts of its own development",
      { "package.json": { scripts: { build: "node-gyp rebuild", prepare: "napi build" } } },
    ],
    ["by a single field", { "package.json": { os: ["linux"] } }],
    [
      "by a loader that it does not call",
      { "package.json": { dependencies: { bindings: "1.0.0" } }, "index.js": "" },
    ],
    ["by the word node-gyp-build in its code", { "index.js": "// see node-gyp-build" }],
  ];
  it.each(cases)("%s", async (_label, files) => {
    const loader = { "node_modules/bindings/package.json": { name: "bindings", version: "1.0.0" } };
    const { externals } = await withPackage(files, loader);
    expect(externals).toEqual([]);
  });
});

describe("what stands around a native package", () => {
  const native = {
    "node_modules/addon/package.json": { name: "addon", version: "2.0.0" },
    "node_modules/addon/x.node": "",
  };

  it("is compiled in when it needs it", async () => {
    const analysis = await withPackage({ "package.json": { dependencies: { addon: "2.0.0" } } }, native);
    expect(analysis.externals).toMatchObject([{ name: "addon", role: "external", optional: false }]);
    expect(analysis.packages).toMatchObject([{ name: "it", role: "bundled" }]);
  });

  it("is compiled in when it only may have it", async () => {
    const json = { "package.json": { optionalDependencies: { addon: "2.0.0" } } };
    const analysis = await withPackage(json, native);
    expect(analysis.externals).toMatchObject([{ name: "addon", role: "external", optional: true }]);
    expect(analysis.packages).toMatchObject([{ name: "it", role: "bundled" }]);
  });

  it("is compiled in when it is the workspace's own source", async () => {
    const root = makeApp({
      "app/package.json": { name: "app", version: "1.0.0", dependencies: { lib: "workspace:*" } },
      "app/node_modules/.keep": "",
      "lib/package.json": { name: "lib", version: "1.0.0", dependencies: { addon: "2.0.0" } },
      ...native,
    });
    const { symlinkSync } = await import("node:fs");
    symlinkSync(join(root, "lib"), join(root, "node_modules/lib"));
    const sources = { appDir: join(root, "app"), root };
    const analysis = await analyzeApp(
      sources,
      { externals: undefined, optional: [] },
      parseTarget("linux-x64-gnu"),
    );
    expect(analysis.externals).toMatchObject([{ name: "addon", role: "external", optional: false }]);
    expect(analysis.packages).toMatchObject([
      { name: "lib", role: "bundled", reason: "is source code of the workspace" },
    ]);
  });

  it("is optional when the app asks for it so", async () => {
    const { externals } = await withPackage({ "x.node": "" }, {}, "optionalDependencies");
    expect(externals).toMatchObject([{ name: "it", optional: true }]);
  });

  it("is carried even when it is compiled in too", async () => {
    const analysis = await withPackage(
      { "x.node": "", "package.json": { dependencies: { shared: "1.0.0" } } },
      {
        "package.json": { name: "app", version: "1.0.0", dependencies: { it: "1.0.0", shared: "1.0.0" } },
        "node_modules/shared/package.json": { name: "shared", version: "1.0.0" },
      },
    );
    expect(analysis.packages).toMatchObject([
      { name: "shared", role: "carried", neededBy: ["it"], reason: "is needed by it, and compiled in too" },
    ]);
  });

  it("counts its own files' bytes, not those of packages inside it", async () => {
    const nested = {
      "node_modules/in/package.json": { name: "in", version: "1.0.0" },
      "node_modules/in/big.js": "x".repeat(5000),
    };
    const analysis = await withPackage({
      "package.json": { dependencies: { in: "1.0.0" } },
      "a.js": "12345",
      ...nested,
    });
    const json = `${JSON.stringify({ name: "it", version: "1.0.0", dependencies: { in: "1.0.0" } }, null, 2)}\n`;
    expect(analysis.packages.find(({ name }) => name === "it")?.bytes).toBe(json.length + 5);
  });
});

describe("readInstallScript", () => {
  it("reads and never runs", () => {
    const dir = makeApp({ "evil.js": "require('fs').writeFileSync('ran', ''); load('x.node'); fetch(url)" });
    const script = readInstallScript(dir, { scripts: { preinstall: "node evil.js" } });
    expect(script).toEqual({
      stage: "preinstall",
      command: "node evil.js",
      makes: "module",
      does: "fetches a .node file in evil.js",
    });
  });
});
