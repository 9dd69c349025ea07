/**
 * What a compile reaches, by the metafile of the real Bun: packages that are in the binary, and externals that every
 * start loads; and what the build refuses and warns of because of it.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CompileResult } from "../../../../src/build/compile/compile.ts";
import { refuseNeededAtStart } from "../../../../src/build/tree/index.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { makeWorkbench } from "../../../support/build/workbench.ts";

const bench = makeWorkbench();
const app = join(bench.root, "app");
const target = parseTarget("linux-x64-gnu");
let reached: CompileResult["reached"];

const install = (name: string, json: object = {}, script = "module.exports = 1;") => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: "1.0.0", ...json }),
  [`node_modules/${name}/index.js`]: script,
});
/** A package that gets its native file as lightningcss does. */
const NATIVE = { optionalDependencies: { "x-linux-x64-gnu": "1.0.0" } };

beforeAll(async () => {
  bench.write("app", {
    "package.json": JSON.stringify({
      name: "app",
      devDependencies: { "@css/light": "1.0.0", later: "1.0.0" },
    }),
    ...install("@css/light", NATIVE),
    ...install("later", NATIVE),
    ...install("plain", {}, 'const deep = require("deep"); module.exports = { deep };'),
    ...install("deep"),
    ...install("at-start"),
    ...install("sometimes"),
    "main.ts": 'import "./style"; import "plain"; export const paint = () => import("./paint");',
    "style.ts": 'import css from "@css/light"; import start from "at-start"; console.log(css, start);',
    "paint.ts": 'import later from "later"; import some from "sometimes"; console.log(later, some);',
  });
  const externals = ["at-start", "sometimes"];
  const outfile = join(bench.root, "release/lib/app");
  ({ reached } = await bench.compile({ entry: join(app, "main.ts"), outfile, externals, modulesRoot: app }));
});
afterAll(() => bench.remove());

const optional = (name: string) => ({ name, optional: true });
const inApp = (name: string) => join(app, "node_modules", name);

test("packages in the binary, and externals, are known with the file that imports them", () => {
  const sort = (list: typeof reached.packages) => list.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  expect(sort(reached.packages)).toEqual([
    { id: inApp("@css/light"), by: "style.ts", atStart: true },
    { id: inApp("deep"), by: "node_modules/plain/index.js", atStart: false },
    { id: inApp("later"), by: "paint.ts", atStart: false },
    { id: inApp("plain"), by: "main.ts", atStart: true },
  ]);
  expect(sort(reached.externals)).toEqual([
    { id: "at-start", by: "style.ts", atStart: true },
    { id: "sometimes", by: "paint.ts", atStart: false },
  ]);
});

test("an optional external that is not to be had is refused when every start loads it", () => {
  const atStart = new Map(reached.externals.filter((one) => one.atStart).map(({ id, by }) => [id, by]));
  const unavailable = { reason: "no file", fix: "none" };
  expect(refuseNeededAtStart([optional("at-start"), optional("sometimes")], atStart, target)).toEqual([
    expect.stringMatching(/^at-start is optional, but an import statement in style\.ts loads it/) as string,
  ]);
  expect(refuseNeededAtStart([{ ...optional("sometimes"), unavailable }], atStart, target)).toEqual([]);
  expect(() => refuseNeededAtStart([{ ...optional("at-start"), unavailable }], atStart, target)).toThrow(
    /at-start is optional and not to be had for linux-x64-gnu/,
  );
});
