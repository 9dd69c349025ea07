/** Apps without a `build` script, made by the real tools among their devDependencies. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findingsOf, makeApp } from "../../../support/build/scratch.ts";
import { build } from "../../../support/build/built.ts";
import { partOf } from "../../../support/wide-table.ts";

const app = (gantry: object, devDependencies: object, fields: object = {}): Record<string, unknown> => ({
  "package.json": {
    name: "app",
    version: "1.0.0",
    type: "module",
    devDependencies,
    ...fields,
    gantry: { runtime: "node", node: "24.21.0", ...gantry },
  },
});

/** Two files, as they import each other for a bundler or for tsx. */
const SOURCES = {
  "src/index.ts": 'import { word } from "./deep/word.ts";\nconst said: string = word;\nconsole.log(said);\n',
  "src/deep/word.ts": 'export const word: string = "compiled";\n',
};
/** As `tsc --init` leaves it for apps that are run by tsx or a bundler: it only checks. */
const CHECKS_ONLY = {
  compilerOptions: {
    target: "es2022",
    module: "preserve",
    types: [],
    noEmit: true,
    allowImportingTsExtensions: true,
  },
  include: ["src"],
};
const TOOLS = {
  typescript5: { typescript: "5.9.3" },
  typescript7: { typescript: "7.0.2" },
  esbuild: { esbuild: "0.28.2" },
  rolldown: { rolldown: "1.2.19" },
} as const;

const ROLLDOWN = "export default { input: 'src/index.ts', platform: 'node', output: { dir: 'dist' } };\n";

/** The name, the devDependencies, the files, and whether each source becomes a file of its own. */
const COMPILERS: readonly [string, object, Record<string, unknown>, boolean][] = [
  [
    "a bundler with its configuration",
    { ...TOOLS.rolldown, ...TOOLS.typescript5 },
    { ...SOURCES, "tsconfig.json": CHECKS_ONLY, "rolldown.config.mjs": ROLLDOWN },
    false,
  ],
  ["a bundler that has none", TOOLS.esbuild, SOURCES, false],
  [
    "a bundler, where TypeScript only checks",
    { ...TOOLS.esbuild, ...TOOLS.typescript5 },
    { ...SOURCES, "tsconfig.json": CHECKS_ONLY },
    false,
  ],
  ["TypeScript 5 that only checks", TOOLS.typescript5, { ...SOURCES, "tsconfig.json": CHECKS_ONLY }, true],
  ["TypeScript 7 that only checks", TOOLS.typescript7, { ...SOURCES, "tsconfig.json": CHECKS_ONLY }, true],
  [
    "TypeScript that compiles",
    { ...TOOLS.esbuild, ...TOOLS.typescript5 },
    {
      "src/index.ts": SOURCES["src/index.ts"].replace("word.ts", "word.js"),
      "src/deep/word.ts": SOURCES["src/deep/word.ts"],
      "tsconfig.json": {
        compilerOptions: {
          target: "es2022",
          module: "nodenext",
          types: [],
          rootDir: "src",
          outDir: "dist",
          skipLibCheck: true,
        },
      },
    },
    true,
  ],
];

const DRAWN: ReadonlySet<string> = new Set(
  partOf(
    "compilers",
    COMPILERS.map(([name]) => name),
    3,
  ),
);

describe("an app without a build script", () => {
  it.each(COMPILERS.filter(([name]) => DRAWN.has(name)))(
    "is compiled by %s",
    async (_, tools, files, separate) => {
      // What lies in dist is of an earlier day.
      const dir = makeApp({
        ...app({ entry: "dist/index.js" }, tools),
        ...files,
        "dist/index.js": "old",
        "dist/gone.js": "",
      });
      const built = await build(dir);
      expect(built).toMatchObject({ part: "dist", entry: "index.js" });
      const run = [join(built.directory, built.entry)];
      expect(execFileSync(process.execPath, run, { encoding: "utf8" })).toBe("compiled\n");
      expect(existsSync(join(built.directory, "deep/word.js"))).toBe(separate);
      expect(existsSync(join(built.directory, "gone.js"))).toBe(false);
      expect(existsSync(join(dir, "node_modules"))).toBe(false);
    },
  );

  it.each([
    ["TypeScript", TOOLS.typescript5],
    ["esbuild", TOOLS.esbuild],
  ])("and started from its sources is compiled beside them by %s", async (_, tools) => {
    const read = 'import { readFileSync } from "node:fs";\n';
    const dir = makeApp({
      ...app({}, tools, { scripts: { start: "tsx src/index.ts" } }),
      ...SOURCES,
      "src/index.ts": `${read}${SOURCES["src/index.ts"]}console.log(readFileSync(new URL("beside.txt", import.meta.url), "utf8"));\n`,
      "src/beside.txt": "and found",
      "src/node.d.ts":
        'declare module "node:fs" { export function readFileSync(path: URL, encoding: "utf8"): string; }\n',
      "tsconfig.json": CHECKS_ONLY,
    });
    const built = await build(dir);
    expect(built).toMatchObject({ part: "src", entry: "index.js" });
    const run = [join(built.directory, built.entry)];
    expect(execFileSync(process.execPath, run, { encoding: "utf8" })).toBe("compiled\nand found\n");
  });

  it("says what the compiler said", async () => {
    const wrong = { ...SOURCES, "src/deep/word.ts": 'export const word: string = "compiled;\n' };
    const files = { ...app({}, TOOLS.typescript5), ...wrong, "tsconfig.json": CHECKS_ONLY };
    const [finding] = await findingsOf(() => build(makeApp(files)));
    expect(finding).toMatchObject({
      code: "CONFIG_INVALID",
      what: `the app's own "tsc -p tsconfig.gantry.json" failed (exit 2)`,
    });
    expect(finding?.detail?.join("\n")).toMatch(/src\/deep\/word\.ts.*error TS1002/);
    expect(finding?.fix).toMatch(/^correct what it complains of, or add a "build" script/);
  });
});

describe("what no tool can make", () => {
  it.each([
    [
      "an entry in TypeScript that a script compiles somewhere",
      app({ entry: "src/server.ts" }, {}, { scripts: { build: "true" } }),
      "the entry src/server.ts is no JavaScript: a release is compiled ahead of time",
      'set "gantry.entry" to what the "build" script makes of src/server.ts, such as "dist/server.js"',
    ],
    [
      "one that a bundler compiles somewhere",
      { ...app({}, { tsup: "8.5.1" }, { main: "src/server.ts" }), "tsup.config.ts": "" },
      "the entry src/server.ts is no JavaScript: a release is compiled ahead of time",
      'set "gantry.entry" to what tsup makes of src/server.ts, such as "dist/server.js"',
    ],
    [
      "one in an app that only runs it",
      app({}, { tsx: "4.23.15" }, { main: "src/server.ts" }),
      'the entry src/server.ts is no JavaScript, and nothing compiles it ahead of time: no "build" script, and no compiler that is set up',
      'add a "build" script and set "gantry.entry" to what it makes, such as "dist/server.js"',
    ],
    [
      "one that a script of another name compiles",
      app({}, {}, { main: "src/server.ts", scripts: { "build:server": "true" } }),
      'the entry src/server.ts is no JavaScript, and nothing compiles it ahead of time: no "build" script, and no compiler that is set up',
      'add the script "build": "npm run build:server" if that makes dist/server.js, and set "gantry.entry" to "dist/server.js"',
    ],
    [
      "one that is not there",
      app({ entry: "src/main.ts" }, { typescript: "5.9.3" }),
      "the app has no src/main.ts, which is to start it",
      'set "gantry.entry" to the file that starts the app, such as "dist/main.js"',
    ],
  ])("%s", async (_, files, what, fix) => {
    const dir = makeApp({ ...files, "src/server.ts": "", "node_modules/tsup/package.json": {} });
    // Nothing of it gets as far as running one of them.
    const [finding] = await findingsOf(() => build(dir));
    expect(finding).toMatchObject({ code: "CONFIG_INVALID", where: join(dir, "package.json"), what, fix });
  });
});
