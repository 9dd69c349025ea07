/**
 * Modules whose names are computed, or that were not installed at the build, come from the release and from nowhere
 * else: not from the directory that the app is started in, which here plants every one of them.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeWorkbench, runProgram } from "../../../support/build/workbench.ts";

const bench = makeWorkbench();
const planted = 'module.exports = "PLANTED";';
const plant = (name: string) => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: "0.0.0", main: "main.js" }),
  [`node_modules/${name}/main.js`]: planted,
});

beforeAll(async () => {
  bench.write("app", {
    "main.ts": `
      import { createRequire } from "node:module";
      import { load } from "./lib/old.cjs";
      const [, , name = ""] = process.argv;
      const seen: Record<string, unknown> = {};
      const tell = async (how: string, run: () => unknown) => {
        try {
          const value = await run();
          seen[how] = typeof value === "object" && value !== null && "default" in value ? value.default : value;
        } catch (error) {
          seen[how] = (error as { code?: string }).code ?? String(error);
        }
      };
      await tell("import", () => import(name));
      await tell("require", () => require(name));
      await tell("commonjs", () => load(name));
      await tell("meta.require", () => import.meta.require(name));
      await tell("meta.resolve", () => import.meta.resolve(name));
      await tell("require.resolve", () => require.resolve(name));
      await tell("createRequire", () => createRequire(import.meta.url)(name));
      await tell("absent", () => import("absent"));
      await tell("absent.resolve", () => require.resolve("absent"));
      console.log(JSON.stringify(seen));
    `,
    "lib/old.cjs": '"use strict";\nexports.load = (name) => require(name);\n',
  });
  bench.write("release", {
    "node_modules/known/package.json": JSON.stringify({
      name: "known",
      version: "1.0.0",
      exports: "./known.js",
    }),
    "node_modules/known/known.js": 'module.exports = "from the release";',
  });
  bench.write("hostile", {
    ...plant("absent"),
    ...plant("known"),
    ...plant("other"),
    "beside.js": planted,
    "sub/keep": "",
  });
  await bench.compile({
    entry: join(bench.root, "app/main.ts"),
    outfile: join(bench.root, "release/lib/app"),
  });
});
afterAll(() => bench.remove());

function load(name: string): Record<string, unknown> {
  const { stdout, stderr } = runProgram(join(bench.root, "release/lib/app"), [name], {
    cwd: join(bench.root, "hostile/sub"),
  });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Record<string, unknown>;
}

const ABSENT = { absent: "ERR_MODULE_NOT_FOUND", "absent.resolve": "MODULE_NOT_FOUND" };

test("a package that the caller's directory has is not found", () => {
  const missing = expect.stringMatching(/^(?:ERR_)?MODULE_NOT_FOUND$/) as string;
  expect(load("other")).toEqual({
    import: missing,
    require: missing,
    commonjs: missing,
    "meta.require": missing,
    "meta.resolve": missing,
    "require.resolve": missing,
    createRequire: missing,
    ...ABSENT,
  });
});

test("a file of the caller's directory is not found by a relative name", () => {
  const seen = Object.values(load("../beside.js"));
  expect(seen).not.toContain("PLANTED");
  expect(seen.filter((value) => String(value).includes("hostile"))).toEqual([]);
});

test("a package of the release is found, and a built-in module is itself", () => {
  const path = join(bench.root, "release/node_modules/known/known.js");
  const word = "from the release";
  expect(load("known")).toEqual({
    import: word,
    require: word,
    commonjs: word,
    "meta.require": word,
    "meta.resolve": `file://${path}`,
    "require.resolve": path,
    createRequire: word,
    ...ABSENT,
  });
  expect(load("node:os")["meta.resolve"]).toBe("node:os");
});
