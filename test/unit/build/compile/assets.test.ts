/**
 * Files beside the sources: the build finds those that the sources name by their own place, and the compiled app reads
 * them in its release. The expected texts are what plain Bun prints with the same sources.
 */
import { cpSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CompileResult } from "../../../../src/build/compile/compile.ts";
import { BUN, makeWorkbench, runProgram } from "../../../support/build/workbench.ts";

const bench = makeWorkbench();
const root = join(bench.root, "work");
let result: CompileResult;
const entry = join(root, "apps/one/src/main.ts");
const binary = join(bench.root, "release/lib/one");

beforeAll(async () => {
  bench.write("work", {
    "package.json": JSON.stringify({ name: "work", private: true }),
    "shared/greeting.txt": "from the workspace",
    "node_modules/parser/package.json": JSON.stringify({ name: "parser", main: "parser.js" }),
    "node_modules/parser/parser.wasm": "wasm bytes",
    // As generated code does it: the directory is a variable that is set later.
    "node_modules/parser/parser.js": `
      const fs = require("fs");
      let directory;
      directory = __dirname + "/";
      const locate = (name) => directory + name;
      module.exports = () => fs.readFileSync(locate("parser.wasm"), "utf8");`,
    "apps/one/package.json": JSON.stringify({ name: "one", version: "1.2.3" }),
    "apps/one/data.db": "of this machine",
    "apps/one/.env": "SECRET=1",
    "apps/one/local.txt": "of the current directory",
    "apps/one/public/index.html": "<p>page</p>",
    "apps/one/public/css/a.css": "a {}",
    "apps/one/drizzle/0001.sql": "CREATE TABLE t",
    "apps/one/src/views/home.ejs": "home",
    "apps/one/src/paths.ts": `
      import { join, resolve } from "node:path";
      import { fileURLToPath } from "node:url";
      export const APP = join(import.meta.dir, "..");
      export const PUBLIC = resolve(fileURLToPath(import.meta.url), "../../public");`,
    "apps/one/src/main.ts": `
      import { existsSync, readFileSync, readdirSync } from "node:fs";
      import path from "node:path";
      import { fileURLToPath } from "node:url";
      import { APP, PUBLIC } from "./paths";
      import parse from "parser";
      const { join } = path;
      const read = (file: string | URL) => readFileSync(file, "utf8");
      const view = process.argv[2] ?? "home";
      console.log(JSON.stringify({
        json: JSON.parse(read(new URL("../package.json", import.meta.url))).version,
        page: read(join(PUBLIC, "index.html")),
        style: read(\`\${PUBLIC}/css/a.css\`),
        sql: readdirSync(join(APP, "drizzle")),
        view: read(path.join(__dirname, "views", view + ".ejs")),
        shared: read(fileURLToPath(new URL("../../../shared/greeting.txt", import.meta.url))),
        wasm: parse(),
        main: process.argv[1] === fileURLToPath(import.meta.url),
      }));
      if (view === "never") console.log(existsSync(join(APP, "data.db")), join(APP, ".env"), existsSync("local.txt"), readFileSync("local.txt"));`,
  });
  const options = { appDir: join(root, "apps/one"), root, outfile: binary, entry };
  result = await bench.compile(options);
  for (const { path, place } of result.assets) {
    const to = join(bench.root, "release/lib/assets", place);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(path, to);
  }
});
afterAll(() => bench.remove());

test("are read in the release as plain Bun reads them in the source tree", () => {
  const expected = runProgram(BUN, ["run", entry], { cwd: bench.root });
  expect(expected).toMatchObject({ code: 0, stderr: "" });
  expect(runProgram(binary, [], { cwd: "/" })).toEqual(expected);
});

test("are those that are named, without secrets, sources and data", () => {
  expect(result.assets.map(({ place }) => place)).toEqual([
    "apps/one/drizzle/0001.sql",
    "apps/one/package.json",
    "apps/one/public/css/a.css",
    "apps/one/public/index.html",
    "apps/one/src/views/home.ejs",
    "node_modules/parser/parser.wasm",
    "shared/greeting.txt",
  ]);
});

test("are warned of when they are data, or relative to the current directory", () => {
  expect(result.warnings).toEqual([
    expect.stringMatching(/^apps\/one\/src\/main\.ts:\d+ names data\.db, which looks like data/) as string,
    expect.stringMatching(
      /^apps\/one\/src\/main\.ts:\d+ reads local\.txt relative to the current dir/,
    ) as string,
  ]);
});
