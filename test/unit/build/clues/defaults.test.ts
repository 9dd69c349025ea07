import { describe, expect, it } from "vitest";
import { readApp } from "../../../../src/build/app/app.ts";
import { readDefaults } from "../../../../src/build/clues/defaults.ts";
import { chooseNode } from "../../../../src/build/clues/node-version.ts";
import { makeApp } from "../../../support/build/scratch.ts";

const RUNNING = "24.21.0";

const defaults = (json: object, files: Record<string, unknown> = {}) => {
  const dir = makeApp({ "package.json": json, ...files });
  return readDefaults({ dir, json, root: dir, running: RUNNING });
};

describe("the runtime", () => {
  const cases: [name: string, json: object, files: Record<string, string>, runtime: string, by: string][] = [
    [
      "of a script that compiles with Bun, whatever else is said",
      { scripts: { compile: "bun build a.ts --compile", start: "node b.js" }, engines: { node: "20" } },
      {},
      "bun",
      'the script "compile"',
    ],
    ["of the start script", { scripts: { start: "bun src/a.ts" } }, {}, "bun", 'the script "start"'],
    [
      "of a start script for Node beside bun.lock",
      { scripts: { start: "node a" } },
      { "bun.lock": "{}" },
      "node",
      'the script "start"',
    ],
    ["of packageManager", { packageManager: "bun@1.4.5" }, { ".nvmrc": "22" }, "bun", '"packageManager"'],
    ["of engines", { engines: { bun: ">=1", node: ">=20" } }, {}, "bun", '"engines.bun"'],
    ["of a lockfile", { engines: { node: ">=20" } }, { "bun.lock": "{}" }, "bun", "bun.lock"],
    ["of Bun's types", { devDependencies: { "@types/bun": "1" } }, {}, "bun", "its dependency @types/bun"],
    ["of volta", { volta: { node: "22.1.0" } }, { ".nvmrc": "24" }, "node", '"volta.node"'],
    ["of .nvmrc", {}, { ".nvmrc": "# team\nv22\n" }, "node", ".nvmrc"],
    ["of another package manager", { packageManager: "pnpm@10.0.0" }, {}, "node", '"packageManager"'],
  ];

  it.each(cases)("%s", (_, json, files, value, by) => {
    expect(defaults(json, files).runtime).toEqual({ value, by });
  });

  it("is unknown when nothing says it", () => {
    expect(defaults({ main: "index.js" }, { "index.js": "" }).runtime).toBeUndefined();
  });
});

const entry = (start: string, files: Record<string, string> = {}, main?: string) =>
  defaults({ scripts: { start }, main }, files).entry?.value;

it("finds the file that a start script means, before and after a build", () => {
  expect(entry("node ./bin/www", { "bin/www": "" })).toBe("bin/www");
  expect(entry("node dist/main")).toBe("dist/main.js");
  expect(entry("node dist", { "dist/index.mjs": "" })).toBe("dist/index.mjs");
  expect(entry("node build")).toBe("build/index.js");
  expect(entry("node .", {}, "lib/server.js")).toBe("lib/server.js");
  expect(entry("next start")).toBeUndefined();
});

const withPackage = (name: string, more: object = {}) => ({
  name: "site",
  devDependencies: { [name]: "1" },
  ...more,
});

describe("a framework", () => {
  it.each([
    ["nuxt", ".output/server/index.mjs", "Nuxt"],
    ["next", ".next/standalone/server.js", "Next.js"],
    ["astro", "dist/server/entry.mjs", "Astro"],
  ])("%s says what its build makes, and that Node runs it", (name, value, by) => {
    const found = defaults(withPackage(name), { "bun.lock": "{}" });
    expect(found).toMatchObject({ entry: { value, by }, runtime: { value: "node", by } });
  });

  it("is overruled by a script that starts a file", () => {
    const scripts = { start: "node server.js", build: "astro build" };
    expect(defaults(withPackage("astro", { scripts }))).toMatchObject({
      entry: { value: "server.js", by: 'the script "start"' },
      runtime: { value: "node", by: 'the script "start"' },
    });
  });

  it("says what its configuration lacks", () => {
    const files = { "svelte.config.js": 'import adapter from "@sveltejs/adapter-auto";' };
    expect(defaults(withPackage("@sveltejs/kit"), files).framework?.lacking).toMatch(/adapter-node/);
    const ready = { "vite.config.ts": 'import adapter from "@sveltejs/adapter-node";' };
    expect(defaults(withPackage("@sveltejs/kit"), ready).framework?.lacking).toBeUndefined();
  });
});

describe("the Node", () => {
  const cases: [said: string, value: string][] = [
    ["22.11.0", "22.11.0"],
    ["v22.11.0", "22.11.0"],
    [">=20", RUNNING],
    ["lts/*", RUNNING],
    ["node", RUNNING],
    ["24", RUNNING],
    ["22", "22"],
    ["lts/jod", "22"],
    ["^20.9.0 || ^22.11.0", "^20.9.0 || ^22.11.0"],
    // Node 20.10 cannot run the launcher, and a later 20 can.
    ["20.10.0", "20"],
  ];

  it.each(cases)("%s is %s", (said, value) => {
    const { problem, ...chosen } = chooseNode([{ value: said, by: ".nvmrc" }], RUNNING);
    expect(problem).toBeUndefined();
    expect(chosen.value).toBe(value);
  });

  it.each(["18", "18.20.4", ">=16 <20", "lts/hydrogen"])("%s is refused", (said) => {
    expect(chooseNode([{ value: said, by: ".nvmrc" }], RUNNING).problem).toMatch(/^\.nvmrc/);
  });

  it("is the running one when the app says nothing", () => {
    expect(defaults({}).node.value).toBe(RUNNING);
  });
});

it("gives settings that an app leaves out, and says where they come from", async () => {
  const dir = makeApp({
    "package.json": {
      name: "shop",
      scripts: { build: "nest build", start: "nest start", "start:prod": "node dist/main" },
      volta: { node: "22.11.0" },
    },
  });
  const app = await readApp(dir);
  expect(app).toMatchObject({ version: "0.0.0", entry: `${dir}/dist/main.js` });
  expect(app.settings).toMatchObject({ runtime: "node", node: "22.11.0" });
  expect(app.notes).toEqual([
    "package.json has no version: the release gets 0.0.0",
    'not set, so taken from the app: runtime "node" from the script "start:prod", node "22.11.0" from "volta.node", entry "dist/main.js" from the script "start:prod"',
  ]);
});

it("changes no setting that an app has", async () => {
  const dir = makeApp({
    "package.json": {
      name: "shop",
      version: "1.2.3",
      scripts: { start: "node a.js" },
      gantry: { runtime: "bun", entry: "b.ts" },
    },
    "b.ts": "",
  });
  const app = await readApp(dir);
  expect(app).toMatchObject({ version: "1.2.3", entry: `${dir}/b.ts`, notes: [] });
  expect(app.settings.runtime).toBe("bun");
  expect(app.settings.node).toBeUndefined();
});

it("takes an app with a setting for Node as an app for Node", async () => {
  const dir = makeApp({
    "package.json": { name: "shop", main: "a.js", gantry: { node: "24.21.0" } },
    "a.js": "",
  });
  expect((await readApp(dir)).settings.runtime).toBe("node");
});
