/**
 * What stays outside the binary of an app on Bun, by the modules that are really compiled: traced by the real Bun, in
 * apps whose packages are written out here.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { analyzeApp, type Analysis } from "../../../../src/build/analyze/analyze.ts";
import { formatAnalysis } from "../../../../src/build/analyze/format-analysis.ts";
import { readApp } from "../../../../src/build/app/app.ts";
import { traceSources } from "../../../../src/build/trace-sources.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { findingsOf, makeApp, SCRATCH } from "../../../support/build/scratch.ts";
import { BUN } from "../../../support/build/workbench.ts";

type Files = Record<string, unknown>;

const pack = (name: string, json: Files = {}, script = "module.exports = 1;"): Files => ({
  [`node_modules/${name}/package.json`]: { name, version: "1.0.0", ...json },
  [`node_modules/${name}/index.js`]: script,
});
/** A package that chooses its native file as lightningcss does. */
const NATIVE = { optionalDependencies: { "x-linux-x64-gnu": "1.0.0" } };

/** An app of one file, with packages; analysed as `gantry build` does. */
async function analyze(main: string, json: Files, ...packages: Files[]): Promise<Analysis> {
  const dir = makeApp({
    "package.json": { name: "app", version: "1.0.0", type: "module", module: "main.ts", ...json },
    "main.ts": main,
    ...Object.assign({}, ...packages),
  });
  const app = await readApp(dir);
  const sources = {
    kind: "in-place" as const,
    appDir: dir,
    root: dir,
    entry: join(dir, "main.ts"),
    dispose: () => undefined,
  };
  const trace = await traceSources({ app, sources, bun: BUN, environment: process.env, scratch: SCRATCH });
  return await analyzeApp(sources, app.settings, parseTarget("linux-x64-gnu"), trace);
}

const outside = (analysis: Analysis) =>
  Object.fromEntries(analysis.externals.map(({ name, reason }) => [name, reason]));
const roleOf = (analysis: Analysis, name: string) =>
  analysis.packages.find((found) => found.name === name)?.role;

describe("a native package", () => {
  it("is outside when only a devDependency names it", async () => {
    const json = { devDependencies: { css: "1.0.0" } };
    const analysis = await analyze('import css from "css"; console.log(css);', json, pack("css", NATIVE));
    expect(outside(analysis)).toEqual({ css: expect.stringMatching(/^loads a native package for each/) });
    expect(analysis.externals).toMatchObject([{ optional: false, native: true }]);
  });

  it("is outside when a package brings it that is for development, or nobody names it", async () => {
    const bundler = pack("bundler", { dependencies: { css: "1.0.0" } }, 'module.exports = require("css");');
    const json = { devDependencies: { bundler: "1.0.0" } };
    const main = 'import b from "bundler"; import stray from "stray"; console.log(b, stray);';
    const analysis = await analyze(main, json, bundler, pack("css", NATIVE), pack("stray", NATIVE));
    expect(Object.keys(outside(analysis))).toEqual(["css", "stray"]);
    expect(roleOf(analysis, "bundler")).toBe("bundled");
  });

  it("is outside when only a worker imports it that the sources start", async () => {
    const worker = { "work.ts": 'import css from "css"; postMessage(css);' };
    const main = 'new Worker(new URL("./work.ts", import.meta.url));';
    const json = { dependencies: { css: "1.0.0" } };
    expect(Object.keys(outside(await analyze(main, json, pack("css", NATIVE), worker)))).toEqual(["css"]);
  });

  it("is not in the release when no file imports it, although package.json names it", async () => {
    const json = { dependencies: { site: "1.0.0", used: "1.0.0" } };
    const site = pack("site", { dependencies: { image: "1.0.0" } }, 'require("image");');
    const analysis = await analyze('import "used";', json, pack("used"), site, pack("image", NATIVE));
    expect(analysis.externals).toEqual([]);
    expect(["used", "site", "image"].map((name) => roleOf(analysis, name))).toEqual([
      "bundled",
      "unused",
      "unused",
    ]);
    expect(formatAnalysis(analysis)).toContain(
      "Not in the release, because no file imports them: 2 packages",
    );
  });

  it("is not in the release when only a branch for development imports it", async () => {
    const main = 'if (process.env.NODE_ENV !== "production") await import("vite");';
    const analysis = await analyze(main, { dependencies: { vite: "1.0.0" } }, pack("vite", NATIVE));
    expect(analysis.externals).toEqual([]);
  });

  it("is optional when the app or the only package that imports it can do without it", async () => {
    const socket = pack(
      "socket",
      { peerDependencies: { fast: "1.0.0" }, peerDependenciesMeta: { fast: { optional: true } } },
      'try { require("fast"); } catch {}',
    );
    const main = 'import "socket"; await import("own").catch(() => undefined);';
    const json = { dependencies: { socket: "1.0.0" }, optionalDependencies: { own: "1.0.0" } };
    const analysis = await analyze(main, json, socket, pack("fast", NATIVE), pack("own", NATIVE));
    expect(analysis.externals.map(({ name, optional }) => [name, optional])).toEqual([
      ["fast", true],
      ["own", true],
    ]);
  });
});

describe("a package that needs a native one", () => {
  const native = pack("native", NATIVE);

  it("is compiled in when it names it in its code", async () => {
    const client = pack(
      "client",
      { dependencies: { native: "1.0.0" } },
      'module.exports = require("native");',
    );
    const json = { dependencies: { client: "1.0.0" } };
    const analysis = await analyze('import client from "client"; console.log(client);', json, client, native);
    expect(Object.keys(outside(analysis))).toEqual(["native"]);
    expect(roleOf(analysis, "client")).toBe("bundled");
  });

  it("is outside when it loads its own files by computed names, and what it may load with it", async () => {
    const script = 'module.exports = (name) => require("./dialects/" + name);';
    const query = pack(
      "query",
      { peerDependencies: { native: "1.0.0" }, peerDependenciesMeta: { native: { optional: true } } },
      script,
    );
    const json = { dependencies: { query: "1.0.0", native: "1.0.0" } };
    const analysis = await analyze('import query from "query"; query("native");', json, query, native);
    expect(outside(analysis)).toEqual({
      native: "is an optional peer of query, which is outside",
      query:
        'loads its own files by computed names: require("./dialects/" + name) in node_modules/query/index.js:1',
    });
  });

  it("is outside when it got another version than the app", async () => {
    const client = pack(
      "client",
      { dependencies: { native: "2.0.0" } },
      'module.exports = require("native");',
    );
    const nested = {
      "node_modules/client/node_modules/native/package.json": { name: "native", version: "2.0.0", ...NATIVE },
      "node_modules/client/node_modules/native/index.js": "",
    };
    const json = { dependencies: { client: "1.0.0", native: "1.0.0" } };
    const analysis = await analyze('import "native"; import "client";', json, client, native, nested);
    expect(outside(analysis)["client"]).toBe("needs native 2.0.0, and the app has native 1.0.0");
    expect(analysis.warnings).toEqual([]);
  });
});

describe("what a bundler does not follow", () => {
  const load = 'import { createRequire } from "node:module";\nconst load = createRequire(import.meta.url);\n';

  it("is outside when createRequire loads it by name", async () => {
    const json = { dependencies: { plain: "1.0.0" } };
    const analysis = await analyze(`${load}load("plain/sub.js"); load("node:fs");`, json, pack("plain"));
    expect(outside(analysis)).toEqual({ plain: 'is loaded by load("plain/sub.js") in main.ts:3' });
  });

  it("is outside when the app names it as a text, and loads modules by computed names", async () => {
    const views = pack("views", {}, "module.exports = (engine) => require(engine);");
    const json = { dependencies: { views: "1.0.0", engine: "1.0.0", other: "1.0.0" } };
    const analysis = await analyze(
      'import views from "views"; views("engine");',
      json,
      views,
      pack("engine"),
      pack("other", NATIVE),
    );
    expect(outside(analysis)).toEqual({
      engine: "is named in main.ts, and node_modules/views/index.js:1 loads modules by computed names",
    });
    const plain = await analyze('console.log("engine");', json, views, pack("engine"), pack("other"));
    expect(plain.externals).toEqual([]);
  });

  it("is named when it cannot be known: computed names of the app, and native files that are not there", async () => {
    const main = 'await import(process.argv[2]!); import addon from "./addon.node"; console.log(addon);';
    expect((await analyze(main, {})).warnings).toEqual([
      "main.ts imports ./addon.node, which is not there: nothing of it is in the release",
      expect.stringMatching(
        /^main\.ts:1 loads a module by a name that is known only when the app runs \(import\(process/,
      ),
    ]);
  });
});

const withSetting = (externals: readonly string[]) => ({
  dependencies: { native: "1.0.0", plain: "1.0.0" },
  gantry: { externals },
});

describe("the setting externals", () => {
  const main = 'import "native"; import "plain";';
  const packages = [pack("native", NATIVE), pack("plain")];

  it("adds to what is detected by +NAME, and compiles in by -NAME with a warning", async () => {
    expect(outside(await analyze(main, withSetting(["+plain"]), ...packages))).toEqual({
      native: expect.stringContaining("optionalDependencies"),
      plain: "is named in gantry.externals",
    });
    const without = await analyze(main, withSetting(["-native"]), ...packages);
    expect(without.externals).toEqual([]);
    expect(without.warnings).toEqual([
      expect.stringMatching(/^native is compiled in because gantry\.externals excludes it, but it loads/),
    ]);
  });

  it("replaces what is detected by names alone, and is not both", async () => {
    expect(Object.keys(outside(await analyze(main, withSetting(["plain"]), ...packages)))).toEqual(["plain"]);
    const [finding] = await findingsOf(() => analyze(main, withSetting(["plain", "+native"]), ...packages));
    expect(finding).toMatchObject({ code: "CONFIG_INVALID", what: expect.stringMatching(/mixes names/) });
  });
});

it("says what each external weighs with what is there for it alone", async () => {
  const json = { dependencies: { native: "1.0.0" } };
  const helper = pack("helper");
  const native = pack("native", { ...NATIVE, dependencies: { helper: "1.0.0" } });
  const analysis = await analyze('import "native";', json, native, helper);
  const [external] = analysis.externals;
  const own = analysis.packages.find(({ name }) => name === "helper")?.bytes ?? 0;
  expect(own).toBeGreaterThan(0);
  expect(external?.alone).toBe((external?.bytes ?? 0) + own);
  expect(formatAnalysis(analysis)).toContain("Without it, the release would have");
});
