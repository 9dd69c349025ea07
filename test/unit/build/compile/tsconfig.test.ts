/** Whose tsconfig.json a build obeys: the app's own alone, wherever it is called and wherever its result goes. */
import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SCRATCH } from "../../../support/build/scratch.ts";
import { BUN, makeWorkbench, runProgram, type Workbench } from "../../../support/build/workbench.ts";

let bench: Workbench;
beforeAll(() => {
  bench = makeWorkbench();
  const paths = { "@own/*": ["./lib/*"] };
  bench.write("app", {
    "package.json": JSON.stringify({ name: "app", type: "module" }),
    "tsconfig.json": JSON.stringify({ compilerOptions: { paths } }),
    "main.ts": 'import { word } from "@own/word";\nconsole.log(word);\n',
    "lib/word.ts": 'export const word: string = "own";\n',
    "nothing.mjs": 'export default { name: "nothing", setup() {} };\n',
  });
  bench.write("evil", {
    "evil.ts": 'console.log("PLANTED");\nexport const word = "planted";\n',
    "tsconfig.json": JSON.stringify({ compilerOptions: { baseUrl: ".", paths: { "*": ["./evil.ts"] } } }),
    "jsconfig.json": JSON.stringify({ compilerOptions: { baseUrl: ".", paths: { "*": ["./evil.ts"] } } }),
  });
  mkdirSync(join(bench.root, "evil/called/here"), { recursive: true });
});
afterAll(() => bench.remove());

test("the planted one takes the entry over in a plain compile", () => {
  const out = join(bench.root, "plain/app");
  const args = ["build", "--compile", `--outfile=${out}`, join(bench.root, "app/main.ts")];
  runProgram(BUN, args, { cwd: join(bench.root, "evil/called") });
  expect(runProgram(out, [], { cwd: bench.root }).stdout).toContain("PLANTED");
});

test.each([
  ["above --out and above the temporary directory", []],
  ["the same for an app with plugins", ["nothing.mjs"]],
])("none is obeyed, and the app's own is: %s", async (_where, plugins) => {
  const outfile = join(bench.root, "evil/out", String(plugins.length), "app");
  const entry = join(bench.root, "app/main.ts");
  const scratch = { ...SCRATCH, makePrivate: () => mkdtempSync(join(bench.root, "evil/called/here/")) };
  await bench.compile({ entry, outfile, scratch, settings: { plugins } });
  const ran = runProgram(outfile, [], { cwd: join(bench.root, "evil") });
  expect(ran).toEqual({ code: 0, stdout: "own\n", stderr: "" });
});
