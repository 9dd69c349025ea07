/** `npx gantry init && npx gantry build`, for an app of the kind that express-generator writes, without a key of gantry. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { NODE } from "../../scripts/pins.mjs";
import { parseJson } from "../support/json-schema.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const BUN = join(root, "node_modules/bun/bin/bun.exe");

const FILES: Readonly<Record<string, string>> = {
  "package.json": '{\n  "name": "shop",\n  "private": true,\n  "scripts": { "start": "node ./bin/www" }\n}\n',
  ".nvmrc": `${NODE[24]}\n`,
  "bin/www": `#!/usr/bin/env node
const http = require("http");
const server = http.createServer(require("../app"));
server.listen(process.env.PORT || "3000", "127.0.0.1", () => console.log("listening", server.address().port));
`,
  "app.js": `const fs = require("fs");
const path = require("path");
module.exports = (request, response) =>
  response.end(request.url === "/health" ? "well" : fs.readFileSync(path.join(__dirname, "public", "page.html")));
`,
  "public/page.html": "<h1>shop</h1>",
  "public/page.js": "#!not JavaScript of Node {{",
};

let work = "";
let app = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-init-"));
  app = join(work, "shop");
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(app, path)), { recursive: true });
    writeFileSync(join(app, path), text);
  }
});
afterAll(() => rmSync(work, { recursive: true }));

const gantry = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, "dist/cli.js"), ...args], { cwd: work, encoding: "utf8" });
const manifest = (): string => readFileSync(join(app, "package.json"), "utf8");

it("init writes after a yes alone, and its settings make a release that runs", async () => {
  const asked = gantry("init", app);
  expect(asked).toMatchObject({ status: 0, stderr: expect.stringMatching(/nothing was written: .*--yes/) });
  expect(manifest()).toBe(FILES["package.json"]);

  const json = gantry("init", app, "--json");
  expect(manifest()).toBe(FILES["package.json"]);
  parseJson("init", json.stdout);

  expect(gantry("init", app, "--yes")).toMatchObject({ status: 0, stderr: "" });
  const written = manifest();
  expect(JSON.parse(written)).toMatchObject({
    gantry: {
      runtime: "node",
      node: NODE[24],
      entry: "bin/www",
      app: ".",
      service: { port: 3000, health: "/health" },
    },
  });
  expect(gantry("init", app, "--yes").stdout).toMatch(/nothing to add/);
  expect(manifest()).toBe(written);

  const built = gantry("build", app, "--no-archive", "--out", join(work, "out"), "--bun", BUN);
  expect(built).toMatchObject({ status: 0, stderr: expect.stringMatching(/package\.json has no version/) });
  const [release = ""] = built.stdout.split("\n");
  const service = spawn(join(release, "shop"), [], { cwd: work, env: { PATH: "/usr/bin:/bin", PORT: "0" } });
  try {
    const [said] = (await once(service.stdout, "data")) as [Buffer];
    const port = /listening (\d+)/.exec(said.toString())?.[1];
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(await page.text()).toBe("<h1>shop</h1>");
  } finally {
    service.kill();
  }
});
