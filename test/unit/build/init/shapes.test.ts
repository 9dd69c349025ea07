import { describe, expect, it } from "vitest";
import { propose } from "../../../../src/build/init/propose.ts";
import { findingsOf, makeApp } from "../../../support/build/scratch.ts";

const RUNNING = "24.21.0";
type Files = Readonly<Record<string, unknown>>;

const proposal = (json: object, files: Files = {}) => {
  const dir = makeApp({ "package.json": json, ...files });
  return propose({ dir, json, root: dir, running: RUNNING });
};
/** What is proposed, by key. */
const settings = (json: object, files: Files = {}) =>
  Object.fromEntries(proposal(json, files).settings.map(({ key, value }) => [key, value]));

const framework = (name: string, more: object = {}) => ({
  name: "site",
  scripts: { build: "build" },
  dependencies: { [name]: "1" },
  ...more,
});

const NODE = { runtime: "node", node: RUNNING };

describe("init proposes for", () => {
  it("express-generator", () => {
    const files = {
      "bin/www":
        "#!/usr/bin/env node\nvar app = require('../app');\nvar port = normalizePort(process.env.PORT || '3000');\n",
      "app.js": "app.use(express.static(path.join(__dirname, 'public')));",
      "public/index.html": "",
      "views/index.jade": "",
    };
    expect(settings({ name: "shop", scripts: { start: "node ./bin/www" } }, files)).toEqual({
      ...NODE,
      binary: "shop",
      entry: "bin/www",
      app: ".",
      "service.port": 3000,
    });
  });

  it("Nest", () => {
    const json = {
      name: "@team/api",
      scripts: { build: "nest build", start: "nest start", "start:prod": "node dist/main" },
      dependencies: { "@nestjs/core": "11" },
      devDependencies: { typescript: "5" },
    };
    const files = {
      "src/main.ts": "app.setGlobalPrefix('api');\nawait app.listen(process.env.PORT ?? 8081);",
      "src/health.controller.ts": "@Controller('health')\nexport class HealthController {}",
    };
    expect(settings(json, files)).toEqual({
      ...NODE,
      binary: "api",
      entry: "dist/main.js",
      "service.port": 8081,
      "service.health": "/api/health",
    });
  });

  it("Fastify, with a Dockerfile", () => {
    const files = {
      "server.js": "fastify.get('/healthz', async () => 'ok');",
      Dockerfile: 'FROM node:24\nEXPOSE 8080\nCMD ["node", "server.js", "--verbose"]\n',
      ".nvmrc": "v24.20.0\n",
    };
    expect(settings({ name: "f", type: "module" }, files)).toEqual({
      runtime: "node",
      node: "24.20.0",
      binary: "f",
      entry: "server.js",
      "service.arguments": ["--verbose"],
      "service.port": 8080,
      "service.health": "/healthz",
    });
  });

  it("fastify-cli, by an entry that is made", () => {
    const json = {
      name: "f",
      scripts: { start: "fastify start -l info app.js" },
      dependencies: { fastify: "5", "fastify-cli": "7" },
    };
    const made = proposal(json, { "app.js": "", "routes/root.js": "" });
    expect(made.files.map(({ path }) => path)).toEqual(["gantry-start.mjs"]);
    expect(made.files[0]?.text).toContain('argv.splice(1, 1, program, "start", "-l", "info", "app.js");');
    expect(made.settings.find(({ key }) => key === "app")?.value).toBe(".");
  });

  it("Hono on Bun, with migrations that a script runs", () => {
    const json = {
      name: "hono",
      scripts: { start: "bun run src/index.ts", migrate: "bun src/index.ts migrate --all" },
      dependencies: { hono: "4" },
    };
    const files = {
      "src/index.ts":
        'migrate(db, { migrationsFolder: "./drizzle" });\nexport default { port: 3001, fetch: app.fetch };',
      "src/routes.ts": 'app.get("/health", (c) => c.text("ok"));',
      "drizzle/0000.sql": "",
      "bun.lock": "{}",
    };
    expect(settings(json, files)).toEqual({
      runtime: "bun",
      binary: "hono",
      entry: "src/index.ts",
      include: ["drizzle"],
      activate: ["migrate", "--all"],
      "service.port": 3001,
      "service.health": "/health",
    });
  });

  it("Elysia, which compiles itself", () => {
    const json = {
      name: "elysia",
      scripts: {
        build: "bun build src/index.ts --compile --outfile bin/server",
        dev: "bun --watch src/index.ts",
      },
      dependencies: { elysia: "1" },
    };
    const files = { "src/index.ts": "new Elysia().get('/', () => 'hi').listen(3000)" };
    expect(settings(json, files)).toEqual({
      runtime: "bun",
      binary: "server",
      entry: "src/index.ts",
      "service.port": 3000,
    });
  });

  const built: [name: string, json: object, files: Files, entry: string, port: number][] = [
    [
      "Next, standalone",
      framework("next", { scripts: { build: "next build", start: "next start" } }),
      { "next.config.mjs": 'export default { output: "standalone" };' },
      ".next/standalone/server.js",
      3000,
    ],
    [
      "Next with its documented Dockerfile, which starts a file of the output",
      framework("next"),
      {
        "next.config.ts": 'export default { output: "standalone" };',
        Dockerfile: 'FROM node:24\nEXPOSE 3000\nCMD ["node", "server.js"]\n',
      },
      ".next/standalone/server.js",
      3000,
    ],
    [
      "SvelteKit whose script names the output's directory",
      framework("@sveltejs/kit", { scripts: { build: "vite build", start: "node build" } }),
      { "svelte.config.js": "import adapter from '@sveltejs/adapter-node';" },
      "build/index.js",
      3000,
    ],
    ["Nuxt", framework("nuxt", { scripts: { start: "nuxt start" } }), {}, ".output/server/index.mjs", 3000],
    [
      "Nuxt that node starts",
      framework("nuxt", { scripts: { start: "node .output/server/index.mjs" } }),
      {},
      ".output/server/index.mjs",
      3000,
    ],
    [
      "SvelteKit",
      framework("@sveltejs/kit"),
      { "svelte.config.js": "import adapter from '@sveltejs/adapter-node';" },
      "build/index.js",
      3000,
    ],
    [
      "Astro",
      framework("astro"),
      { "astro.config.mjs": 'import node from "@astrojs/node";' },
      "dist/server/entry.mjs",
      4321,
    ],
    ["Nitro", framework("nitropack"), {}, ".output/server/index.mjs", 3000],
  ];

  it.each(built)("%s", (_, json, files, entry, port) => {
    expect(settings(json, files)).toEqual({ ...NODE, binary: "site", entry, "service.port": port });
  });

  it.each([
    ["React Router", "@react-router/serve", "react-router-serve ./build/server/index.js", 3000],
    ["Strapi", "@strapi/strapi", "strapi start", 1337],
  ])("%s, by an entry that is made", (_, name, start, port) => {
    const made = proposal(framework(name, { scripts: { build: "x", start } }));
    const [, ...words] = start.split(" ");
    expect(made.files[0]?.text).toContain(`require.resolve("${name}/package.json")`);
    expect(made.files[0]?.text).toContain(words.map((word) => JSON.stringify(word)).join(", "));
    expect(Object.fromEntries(made.settings.map(({ key, value }) => [key, value]))).toMatchObject({
      entry: "gantry-start.mjs",
      app: ".",
      "service.port": port,
    });
  });

  it("Vite with a server of its own, which only its preview script starts", () => {
    const json = {
      name: "site",
      type: "module",
      scripts: {
        dev: "node server",
        build: "vite build --outDir dist/client && vite build --outDir dist/server --ssr src/entry-server.js",
        preview: "cross-env NODE_ENV=production node server",
      },
      dependencies: { express: "5" },
      devDependencies: { vite: "8" },
    };
    const files = { "server.js": "const port = process.env.PORT || 5173;", ".gitignore": "dist" };
    expect(settings(json, files)).toEqual({
      ...NODE,
      binary: "site",
      entry: "server.js",
      "service.port": 5173,
    });
  });

  it("Vite that serves files alone no entry", () => {
    const json = {
      name: "page",
      scripts: { dev: "vite", build: "vite build", preview: "vite preview" },
      devDependencies: { vite: "8" },
    };
    expect(settings(json)).not.toHaveProperty("entry");
  });

  it.each([
    ["Next without standalone", "next", { "next.config.js": "module.exports = {};" }, /standalone/],
    [
      "SvelteKit with adapter-auto",
      "@sveltejs/kit",
      { "svelte.config.js": "'@sveltejs/adapter-auto'" },
      /adapter-node/,
    ],
    ["Astro that makes pages", "astro", { "astro.config.mjs": "export default {};" }, /@astrojs\/node/],
  ])("%s nothing, and says what to change", async (_, name, files, fix) => {
    const [finding] = await findingsOf(() => proposal(framework(name), files));
    expect(finding).toMatchObject({ code: "CONFIG_INVALID", fix: expect.stringMatching(fix) });
  });

  it("a published package, which is taken as it is", () => {
    const json = {
      name: "thelounge",
      bin: { thelounge: "index.js" },
      engines: { node: ">=22" },
      scripts: { build: "webpack", start: "node index start" },
      devDependencies: { webpack: "5" },
    };
    const files = {
      "index.js": "#!/usr/bin/env node\nrequire('./dist/command-line');",
      "dist/command-line.js": 'program.command("start").action(start);',
      "defaults/config.js": "module.exports = { port: 9000 };",
      LICENSE: "",
    };
    expect(settings(json, files)).toEqual({
      ...NODE,
      binary: "thelounge",
      entry: "index.js",
      "build.script": false,
      "service.arguments": ["start"],
      "service.port": 9000,
    });
    expect(settings(json, { ...files, ".gitignore": "dist\n" })).not.toHaveProperty("build.script");
    const compiled = {
      "dist/command-line.js": 'const program = new commander_1.Command("start");',
      "dist/other.js": 'new Recommand("serve");',
    };
    expect(settings(json, { ...files, ...compiled })).toMatchObject({ "service.arguments": ["start"] });
  });
});
