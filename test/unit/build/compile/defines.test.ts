/** What the compiler puts in place of NODE_ENV, whatever the builder's shell says, and how JSX is compiled then. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildSettings } from "../../../../src/build/app/index.ts";
import { makeWorkbench, runProgram } from "../../../support/build/workbench.ts";

const bench = makeWorkbench();
let entry: string;

const formatRuntime = (name: string) => ({
  [`node_modules/jsx/${name}.js`]: `export const jsx = () => "${name}"; export const jsxDEV = jsx;`,
});

beforeAll(() => {
  bench.write("app", {
    "package.json": JSON.stringify({ name: "app", type: "module" }),
    "tsconfig.json": JSON.stringify({ compilerOptions: { jsx: "react-jsx", jsxImportSource: "jsx" } }),
    "node_modules/jsx/package.json": JSON.stringify({ name: "jsx", type: "module" }),
    ...formatRuntime("jsx-runtime"),
    ...formatRuntime("jsx-dev-runtime"),
    "main.tsx":
      "const { NODE_ENV } = process.env;\n" +
      "console.log(JSON.stringify([process.env.NODE_ENV, NODE_ENV, process.env.GREETING, <b />]));\n",
  });
  entry = join(bench.root, "app/main.tsx");
});
afterAll(() => bench.remove());

/** Builds in a shell that says "development", and starts the result in one that says "from-host". */
async function print(settings: BuildSettings): Promise<unknown> {
  const outfile = join(bench.root, "release/lib/app");
  const environment = { ...process.env, NODE_ENV: "development", GREETING: "builder" };
  await bench.compile({ entry, outfile, settings, environment });
  const env = { NODE_ENV: "from-host", GREETING: "host" };
  const { stdout, stderr } = runProgram(outfile, [], { cwd: bench.root, env });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as unknown;
}

describe("NODE_ENV", () => {
  test("is production, and every other variable is the host's", async () => {
    expect(await print({})).toEqual(["production", "from-host", "host", "jsx-runtime"]);
  });

  test("is what gantry.build.defines says, a lookup at run time too", async () => {
    const development = { "process.env.NODE_ENV": "'development'" };
    expect(await print({ defines: development })).toEqual([
      "development",
      "from-host",
      "host",
      "jsx-dev-runtime",
    ]);
    const lookup = { "process.env.NODE_ENV": "process.env.NODE_ENV" };
    expect(await print({ defines: lookup })).toEqual(["from-host", "from-host", "host", "jsx-runtime"]);
  });
});
