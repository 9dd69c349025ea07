import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readApp } from "../../../../src/build/app/app.ts";
import { copyJavaScript } from "../../../../src/build/node/javascript.ts";
import { findingsOf, makeApp, makeDirectory, writeFiles } from "../../../support/build/scratch.ts";
import { build } from "../../../support/build/built.ts";

/** An app whose build writes the files that it is given, without any tool. */
const app = (gantry: object, script: string | undefined, fields: object = {}): Record<string, unknown> => ({
  "package.json": {
    name: "app",
    version: "1.0.0",
    ...fields,
    ...(script === undefined ? {} : { scripts: { build: script } }),
    gantry: { runtime: "node", node: "24.21.0", ...gantry },
  },
});
const list = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted();

describe("buildJavaScript", () => {
  it("runs the app's own script in a copy, without what an earlier build left", async () => {
    const dir = makeApp({
      ...app({ entry: "dist/main.js" }, "mkdir dist && cp src/main.js dist/"),
      "src/main.js": "new",
      "dist/main.js": "old",
      "dist/removed.js": "old",
      "node_modules/.bin/tool": "",
    });
    const built = await build(dir);
    expect(built).toMatchObject({ entry: "main.js", part: "dist" });
    expect(list(built.directory)).toEqual(["main.js"]);
    expect(readFileSync(join(built.directory, "main.js"), "utf8")).toBe("new");
    expect(readFileSync(join(dir, "dist/main.js"), "utf8")).toBe("old");
    built.dispose();
    expect(existsSync(built.directory)).toBe(false);
  });

  it("shows the app's build its .env files, from its own directory and its workspace's, and ships none", async () => {
    const script = [
      "mkdir -p dist",
      "cat .env .env.local ../../.env > dist/main.js",
      "cp .env .env.local dist/",
      "test ! -e .env.d/.env",
    ].join(" && ");
    const files = app({ entry: "dist/main.js" }, script);
    const dir = makeApp({
      "package.json": { name: "root", private: true, workspaces: ["apps/*"] },
      ".env": "root",
      ...Object.fromEntries(Object.entries(files).map(([path, file]) => [`apps/one/${path}`, file])),
      "apps/one/.env": "own",
      "apps/one/.env.local": "local",
      "apps/one/.env.d/.env": "elsewhere",
    });
    const said: string[] = [];
    const built = await build(join(dir, "apps/one"), process.env, [], said);
    expect(said).toContain(
      "the app's own build sees .env and apps/one/.env and apps/one/.env.local, which are not shipped",
    );
    const to = join(makeDirectory(), "app");
    copyJavaScript(built, to, await readApp(join(dir, "apps/one")), false);
    expect(list(to)).toEqual(["main.js", "package.json"]);
    expect(readFileSync(join(to, "main.js"), "utf8")).toBe("ownlocalroot");
  });

  it("takes what a framework's build traced, with its packages and without its .env", async () => {
    const script = [
      "mkdir -p .output/server/node_modules/dep .output/public",
      "cp main.js .output/server/index.mjs",
      "cp node_modules/dep/package.json .output/server/node_modules/dep/",
      "echo SECRET=1 > .output/server/.env",
      "echo {} > .output/nitro.json",
      "echo map > .output/server/index.mjs.map",
      "echo video > .output/public/film.ts",
    ].join(" && ");
    const dir = makeApp({
      ...app({ entry: ".output/server/index.mjs" }, script),
      "main.js": "main",
      "node_modules/dep/package.json": { name: "dep", version: "1.0.0" },
    });
    const built = await build(dir);
    expect(built).toMatchObject({ entry: "server/index.mjs", part: ".output", traced: new Set(["dep"]) });
    const to = makeDirectory();
    copyJavaScript(built, to, await readApp(dir), false);
    expect(list(to)).toEqual([
      "nitro.json",
      "package.json",
      "public/film.ts",
      "server/index.mjs",
      "server/node_modules/dep/package.json",
    ]);
  });

  it("lets tools keep their caches in the copy alone", async () => {
    const cache = "node_modules/.cache/tool";
    const script = `mkdir -p ${cache} dist && echo new > ${cache}/file && cp ${cache}/file dist/main.js && node_modules/.bin/tool`;
    const dir = makeApp({ ...app({ entry: "dist/main.js" }, script), [`${cache}/file`]: "old" });
    mkdirSync(join(dir, "node_modules/.bin"));
    symlinkSync("/bin/true", join(dir, "node_modules/.bin/tool"));
    const built = await build(dir);
    expect(readFileSync(join(built.directory, "main.js"), "utf8")).toBe("new\n");
    expect(readFileSync(join(dir, cache, "file"), "utf8")).toBe("old");
  });

  it.each([
    [
      "made beside its sources",
      "src",
      undefined,
      "src/more.ts",
      "echo > src/main.js",
      ["main.js", "more.ts"],
    ],
    ["not made by the script", "src", undefined, "src/main.js", "echo > style.css", ["main.js"]],
    [
      "in a place that git leaves out",
      "js",
      "# made\n/js/\n",
      "js/old.js",
      "mkdir js && echo > js/main.js",
      ["main.js"],
    ],
  ])("keeps what lies with an entry that is %s", async (_, part, ignored, file, script, left) => {
    const dir = makeApp({ ...app({ entry: `${part}/main.js` }, script), [file]: "" });
    if (ignored !== undefined) writeFiles(dir, { ".gitignore": ignored });
    expect(list((await build(dir)).directory)).toEqual(left);
  });

  it.each([
    ["a URL", 'open(new URL("../public/", import.meta.url))', "public/"],
    ["words that are joined", "path.join(__dirname, '..', 'public', 'index.html')", "public/index.html"],
    ["a file of a package's own", 'require("../package.json")', "package.json"],
    [
      "a directory that is climbed to first",
      "const root = path.join(here, '..');\npath.join(root, 'public'); join(root, 'main.js'); join('x', 'y');",
      "public",
    ],
    ["a template", "read(`../public/index.html`)", "public/index.html"],
  ])("warns of %s that leads out of what becomes lib/app", async (_, text, path) => {
    const files = { "dist/main.js": text, "dist/deep/other.js": "import '../main.js'; x('../../nowhere');" };
    const dir = makeApp({ ...app({ entry: "dist/main.js" }, undefined), ...files, "public/index.html": "" });
    const warnings: string[] = [];
    await build(dir, process.env, warnings);
    expect(warnings).toEqual([
      `dist/main.js names ${path}, beside the directory that becomes lib/app: if app reads that when it runs, set "gantry.app" to ".", so that lib/app holds the whole app`,
    ]);
    writeFiles(dir, app({ entry: "dist/main.js", app: "." }, undefined));
    await build(dir, process.env, warnings);
    expect(warnings).toHaveLength(1);
  });

  it("takes an app that is JavaScript as it stands", async () => {
    const dir = makeApp({
      ...app({}, undefined, { main: "index.js", type: "module" }),
      "index.js": "1",
      ".env": "S=1",
    });
    const built = await build(dir);
    expect(built).toMatchObject({ entry: "index.js", part: "." });
    const to = join(makeDirectory(), "app");
    copyJavaScript(built, to, await readApp(dir), false);
    expect(list(to)).toEqual(["index.js", "package.json"]);
  });

  it("says what the script said when it fails", async () => {
    const dir = makeApp(
      app({ entry: "dist/main.js" }, "echo the reason; echo GET https://me:secret@registry.test/; exit 3"),
    );
    const [finding] = await findingsOf(() => build(dir));
    expect(finding).toMatchObject({ code: "CONFIG_INVALID", what: `the app's own "build" failed (exit 3)` });
    const said = ["the reason", "GET https://***@registry.test/"];
    expect(finding?.detail).toEqual(expect.arrayContaining(said));
    expect(finding?.detail?.join("\n")).not.toContain("secret");
  });

  it.each([
    [
      "an entry that the build does not make",
      { entry: "dist/other.js" },
      /dist\/other\.js is not among what "run build"/,
    ],
    [
      "an entry in TypeScript",
      { entry: "src/main.ts" },
      /no JavaScript: a release is compiled ahead of time/,
    ],
    ["an entry outside lib/app", { entry: "dist/main.js", app: "src" }, /does not lie in "gantry\.app", src/],
  ])("refuses %s", async (_, gantry, message) => {
    const dir = makeApp({ ...app(gantry, "mkdir -p dist && touch dist/main.js"), "src/main.ts": "" });
    expect((await findingsOf(() => build(dir)))[0]).toMatchObject({
      code: "CONFIG_INVALID",
      what: expect.stringMatching(message) as string,
    });
  });

  it("says which adapter a framework's build needs to make a server", async () => {
    const dir = makeApp({
      ...app({}, "mkdir -p .svelte-kit/output", { devDependencies: { "@sveltejs/kit": "2.0.0" } }),
      "svelte.config.js": 'import adapter from "@sveltejs/adapter-auto";',
    });
    const [finding] = await findingsOf(() => build(dir));
    expect(finding).toMatchObject({
      code: "CONFIG_INVALID",
      what: expect.stringMatching(/^build\/index\.js is not among what "run build" made/) as string,
      fix: expect.stringContaining("@sveltejs/adapter-node") as string,
    });
  });

  it("names the compiler that an app with a tsconfig.json lacks", async () => {
    const dir = makeApp({ ...app({ entry: "dist/main.js" }, undefined), "tsconfig.json": {} });
    const [finding] = await findingsOf(() => build(dir));
    expect(finding?.fix).toBe('add typescript to "devDependencies", or a "build" script');
  });

  it("refuses an app without an entry and without a build", async () => {
    const dir = makeApp(app({ entry: "dist/main.js" }, undefined));
    const [finding] = await findingsOf(() => build(dir));
    expect(finding?.what).toMatch(/^the app has no dist\/main\.js, and nothing that makes it/);
  });
});

describe("copyJavaScript", () => {
  it("leaves out what no start reads, and keeps how .js and #imports are meant", async () => {
    const imports = {
      "#config": "./dist/config.js",
      "#store": { node: "./dist/store.js", default: "./src/store.js" },
      "#other": "better-sqlite3",
    };
    const made = "main.js main.js.map main.d.ts main.d.ts.map x.tsbuildinfo left.ts logo.svg deep/a.mjs .env";
    const script = `mkdir -p dist/deep && cd dist && touch ${made}`;
    const dir = makeApp(app({ entry: "dist/main.js" }, script, { type: "module", imports }));
    const built = await build(dir);
    const to = join(makeDirectory(), "app");
    copyJavaScript(built, to, await readApp(dir), false);
    expect(list(to)).toEqual(["deep/a.mjs", "logo.svg", "main.js", "package.json"]);
    expect(JSON.parse(readFileSync(join(to, "package.json"), "utf8"))).toEqual({
      name: "app",
      version: "1.0.0",
      private: true,
      type: "module",
      imports: { "#config": "./config.js", "#store": { node: "./store.js" }, "#other": "better-sqlite3" },
    });
    copyJavaScript(built, join(to, "mapped"), await readApp(dir), true);
    expect(list(join(to, "mapped"))).toContain("main.js.map");
  });

  it("follows links, but none that leads nowhere or round in a circle", async () => {
    const dir = makeApp({
      ...app({ entry: "dist/main.js" }, undefined),
      "dist/main.js": "",
      "public/a.txt": "a",
    });
    for (const [name, target] of [
      ["public", "../public"],
      ["main.cjs", "main.js"],
      ["gone", "nowhere"],
      ["circle", ".."],
    ] as const)
      symlinkSync(target, join(dir, "dist", name));
    const to = join(makeDirectory(), "app");
    copyJavaScript(await build(dir), to, await readApp(dir), false);
    expect(list(to)).toEqual(["main.cjs", "main.js", "package.json", "public/a.txt"]);
  });

  it("keeps a package.json that the build made", async () => {
    const script = `mkdir dist && cd dist && touch main.js && echo '{"type":"commonjs"}' > package.json`;
    const dir = makeApp(app({ entry: "dist/main.js" }, script, { type: "module" }));
    const to = join(makeDirectory(), "app");
    copyJavaScript(await build(dir), to, await readApp(dir), false);
    expect(readFileSync(join(to, "package.json"), "utf8")).toBe('{"type":"commonjs"}\n');
  });
});
