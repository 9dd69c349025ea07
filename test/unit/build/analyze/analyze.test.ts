import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { analyzeApp, type Analysis } from "../../../../src/build/analyze/analyze.ts";
import { formatAnalysis } from "../../../../src/build/analyze/format-analysis.ts";
import { readApp } from "../../../../src/build/app/app.ts";
import { ensureInstalled, type Sources } from "../../../../src/build/app/sources/sources.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { BUN, FIXTURES, findingsOf, makeApp, SCRATCH } from "../../../support/build/scratch.ts";

const X64 = parseTarget("linux-x64-gnu");
const opened: Sources[] = [];

afterEach(() => {
  for (const sources of opened.splice(0)) sources.dispose();
});

/** Installs an app from the registry, with its real packages, in a private copy. */
async function installed(dir: string): Promise<Sources> {
  return ensureInstalled(await readApp(dir), BUN, { environment: process.env, scratch: SCRATCH });
}

async function analyze(dir: string, target = X64): Promise<Analysis> {
  const sources = await installed(dir);
  opened.push(sources);
  return analyzeApp(sources, (await readApp(dir)).settings, target);
}

const app = (fields: Record<string, unknown>): Record<string, unknown> => ({
  "package.json": { name: "app", version: "1.0.0", ...fields },
  "index.ts": "",
});
const roleOf = (analysis: Analysis, name: string): string | undefined =>
  [...analysis.externals, ...analysis.packages].find((found) => found.name === name)?.role;

describe("the sample app", () => {
  it("keeps exactly its native modules outside, with the reason for each", async () => {
    const analysis = await analyze(join(FIXTURES, "test-brain"));
    const summary = analysis.externals.map(({ name, version, role, optional, native }) => ({
      name,
      version,
      role,
      optional,
      native,
    }));
    expect(summary).toEqual([
      {
        name: "@matrix-org/matrix-sdk-crypto-nodejs",
        version: "0.1.0-beta.6",
        role: "external",
        optional: true,
        native: true,
      },
      { name: "bcrypt", version: "6.0.0", role: "external", optional: false, native: true },
      { name: "libsql", version: "0.5.11", role: "external", optional: false, native: true },
    ]);
    const reasons = Object.fromEntries(analysis.externals.map(({ name, reason }) => [name, reason]));
    expect(reasons["libsql"]).toMatch(
      /^loads a native package for each platform: @libsql\/\S+ and 8 more in optionalDependencies$/,
    );
    expect(reasons["bcrypt"]).toMatch(/^carries native files: prebuilds\/\S+\.node and \d+ more$/);
    expect(reasons["@matrix-org/matrix-sdk-crypto-nodejs"]).toBe(
      'needs its install script: postinstall "node download-lib.js" fetches a .node file in download-lib.js',
    );
    expect(analysis.warnings).toEqual([]);
    for (const name of ["@libsql/client", "ws", "node-fetch"]) {
      expect(`${name} ${roleOf(analysis, name)}`).toBe(`${name} bundled`);
    }
    for (const name of ["@libsql/linux-x64-gnu", "@neon-rs/load", "node-gyp-build"]) {
      expect(`${name} ${roleOf(analysis, name)}`).toBe(`${name} carried`);
    }
    expect(roleOf(analysis, "@libsql/linux-x64-musl")).toBe("left-out");
    expect(analysis.packages.find(({ name }) => name === "@libsql/linux-x64-gnu")?.neededBy).toEqual([
      "libsql",
    ]);
  });

  it("for musl carries the other variant", async () => {
    const analysis = await analyze(join(FIXTURES, "test-brain"), parseTarget("linux-x64-musl"));
    expect(roleOf(analysis, "@libsql/linux-x64-musl")).toBe("carried");
    expect(roleOf(analysis, "@libsql/linux-x64-gnu")).toBe("left-out");
  });

  it("is told in 80 columns, and survives JSON", async () => {
    const analysis = await analyze(join(FIXTURES, "test-brain"));
    const lines = formatAnalysis(analysis).split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines[0]).toBe("test-brain 0.1.0 for linux-x64-gnu");
    expect(lines.filter((line) => /^ {2}libsql 0\.5\.11 .* native$/.test(line))).toHaveLength(1);
    expect(lines.join("\n")).toContain("It loads a native package for each platform: @libsql/");
    expect(JSON.parse(JSON.stringify(analysis))).toEqual(analysis);
  });
});

describe("real packages", () => {
  let sources: Sources;
  const dependencies = {
    "@node-rs/argon2": "2.0.2",
    "@swc/core": "1.7.0",
    "better-sqlite3": "12.0.0",
    chokidar: "3.6.0",
    "core-js": "3.40.0",
    "drizzle-orm": "0.40.0",
    sharp: "0.34.4",
    ws: "8.18.0",
  };
  beforeAll(async () => {
    sources = await installed(makeApp(app({ dependencies })));
  });
  afterAll(() => sources.dispose());

  it("are native by what they carry, choose from or fetch, and nothing else is", async () => {
    const { externals, warnings } = await analyzeApp(sources, { externals: undefined, optional: [] }, X64);
    expect(externals.map(({ name }) => name)).toEqual([
      "@node-rs/argon2",
      "@swc/core",
      "better-sqlite3",
      "sharp",
    ]);
    const reasonOf = (name: string): string =>
      externals.find((external) => external.name === name)?.reason ?? "";
    expect(reasonOf("sharp")).toMatch(/@img\/sharp-\S+ and \d+ more in optionalDependencies/);
    expect(reasonOf("@swc/core")).toMatch(/@swc\/core-\S+ and \d+ more in optionalDependencies/);
    expect(reasonOf("better-sqlite3")).toMatch(/^needs its install script: install "prebuild-install .*"/);
    expect(warnings).toEqual([]);
  });

  it("leave what only ships a banner, or an optional native peer, to the compiler", async () => {
    const analysis = await analyzeApp(sources, { externals: undefined, optional: [] }, X64);
    for (const name of ["core-js", "ws", "chokidar", "drizzle-orm"]) {
      expect(`${name} ${roleOf(analysis, name)}`).toBe(`${name} bundled`);
    }
  });

  it("can be embedded only when one self-contained file is required by name", async () => {
    const { externals } = await analyzeApp(sources, { externals: undefined, optional: [] }, X64);
    const verdicts = Object.fromEntries(externals.map(({ name, embeddable }) => [name, embeddable]));
    expect(verdicts["@node-rs/argon2"]).toMatchObject({ possible: true });
    expect(verdicts["sharp"]).toMatchObject({
      possible: false,
      why: expect.stringMatching(/library beside it: .*libvips/),
    });
    expect(verdicts["better-sqlite3"]).toMatchObject({
      possible: false,
      why: expect.stringMatching(/is not here/),
    });
  });

  it("obey the user's list both ways, and say what it overrules", async () => {
    const analysis = await analyzeApp(sources, { externals: ["sharp", "ws"], optional: ["ws"] }, X64);
    expect(
      analysis.externals.map(({ name, reason, optional }) => [
        name,
        reason === "is named in gantry.externals",
        optional,
      ]),
    ).toEqual([
      ["sharp", false, false],
      ["ws", true, true],
    ]);
    expect(analysis.warnings.map((warning) => warning.split(" ")[0])).toEqual([
      "@node-rs/argon2",
      "@swc/core",
      "better-sqlite3",
    ]);
    expect(analysis.warnings[2]).toMatch(
      /is compiled in because gantry\.externals does not name it, but it needs its install script/,
    );
    expect(formatAnalysis(analysis)).toMatch(/Warning: @swc\/core is compiled in/);
  });

  it("may be named in gantry.optional only when they are external", async () => {
    const { warnings } = await analyzeApp(sources, { externals: undefined, optional: ["ws"] }, X64);
    expect(warnings).toEqual(["gantry.optional names ws, which is not external: it is always there"]);
  });
});

describe("an app", () => {
  it("without native modules has nothing outside", async () => {
    const analysis = await analyze(makeApp(app({ dependencies: { ms: "2.1.3" } })));
    expect(analysis.externals).toEqual([]);
    expect(analysis.packages).toMatchObject([{ name: "ms", version: "2.1.3", role: "bundled" }]);
    expect(formatAnalysis(analysis)).toContain("Nothing stays outside the binary");
  });

  it("without any dependency has nothing at all", async () => {
    expect(await analyze(makeApp(app({})))).toMatchObject({ externals: [], packages: [], warnings: [] });
  });

  it("that adds ws's native helper has that outside and ws inside", async () => {
    const analysis = await analyze(makeApp(app({ dependencies: { ws: "8.18.0", bufferutil: "4.0.9" } })));
    expect(analysis.externals.map(({ name, optional }) => [name, optional])).toEqual([["bufferutil", false]]);
    expect(roleOf(analysis, "ws")).toBe("bundled");
    expect(roleOf(analysis, "node-gyp-build")).toBe("carried");
  });

  it("knows an alias by the name it imports", async () => {
    const analysis = await analyze(makeApp(app({ dependencies: { hash: "npm:bcrypt@6.0.0" } })));
    expect(analysis.externals.map(({ name, version }) => `${name}@${version}`)).toEqual(["hash@6.0.0"]);
  });

  const names: [string, Record<string, unknown>, RegExp, RegExp][] = [
    [
      "a mistyped external",
      { externals: ["mz"] },
      /"gantry\.externals\.0" is "mz": the app does not depend on it/,
      /did you mean "ms"\?/,
    ],
    ["a mistyped optional", { optional: ["mss"] }, /"gantry\.optional\.0" is "mss"/, /did you mean "ms"\?/],
    [
      "a development dependency",
      { externals: ["debug"] },
      /it stands only in "devDependencies"/,
      /add debug to "dependencies"/,
    ],
  ];
  it.each(names)("is refused for %s", async (_label, gantry, what, fix) => {
    const dir = makeApp(app({ dependencies: { ms: "2.1.3" }, devDependencies: { debug: "4.4.3" }, gantry }));
    const [finding] = await findingsOf(() => analyze(dir));
    expect(finding).toMatchObject({
      code: "CONFIG_INVALID",
      what: expect.stringMatching(what),
      fix: expect.stringMatching(fix),
    });
  });
});

describe("an app on Node", () => {
  it("has all production dependencies beside it, without the workspace's source code", async () => {
    const dir = makeApp({
      "package.json": { name: "root", private: true, workspaces: ["apps/*", "packages/*"] },
      "packages/shared/package.json": { name: "shared", version: "1.0.0", dependencies: { ms: "2.1.3" } },
      "packages/shared/index.js": "",
      "apps/server/package.json": {
        name: "server",
        version: "1.0.0",
        main: "index.js",
        dependencies: { bcrypt: "6.0.0", shared: "workspace:*" },
        gantry: { runtime: "node", node: "24.21.0" },
      },
      "apps/server/index.js": "",
    });
    const analysis = await analyze(join(dir, "apps/server"));
    const found = analysis.externals.map(({ name, role, native }) => ({ name, role, native }));
    expect(found).toEqual([
      { name: "bcrypt", role: "external", native: true },
      { name: "ms", role: "external", native: false },
    ]);
    expect(roleOf(analysis, "shared")).toBe("bundled");
    const text = formatAnalysis(analysis);
    expect(text).toMatch(/Beside the app: 2 modules/);
    expect(text).toMatch(/Left to the app's own build: 1 package/);
    expect(text).not.toMatch(/embed|binary/);
  });
});
