/** namespaceOf against Bun itself: for every shape that `module.exports` can have, what its own `import` gives. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { BUN, makeWorkbench, runProgram } from "../../../support/build/workbench.ts";

const bench = makeWorkbench();
afterAll(() => bench.remove());

const MARK = 'Object.defineProperty(exports, "__esModule", { value: true });';
const SHAPES: Readonly<Record<string, string>> = {
  object: "exports.a = 1; exports.b = () => 2;",
  function: "module.exports = function named(a, b) {}; module.exports.extra = 1;",
  arrow: "module.exports = () => 1;",
  class: "module.exports = class Named { static one = 1; static two() {} get three() { return 3; } };",
  array: "module.exports = [1, 2];",
  string: 'module.exports = "text";',
  number: "module.exports = 5;",
  null: "module.exports = null;",
  undefined: "module.exports = undefined;",
  instance: "class A { x = 1; method() {} } module.exports = new A();",
  inherited: "module.exports = Object.create({ above: 1 }, { own: { value: 1, enumerable: true } });",
  symbol: 'module.exports = { [Symbol("s")]: 1, a: 1 };',
  hidden: 'Object.defineProperty(exports, "hidden", { value: 1 }); exports.shown = 2;',
  accessor: 'Object.defineProperty(exports, "read", { get: () => 5, enumerable: true });',
  "hidden-accessor": 'Object.defineProperty(exports, "read", { get: () => 5 }); exports.a = 1;',
  "throwing-accessor":
    'Object.defineProperty(exports, "read", { get() { throw 1; }, enumerable: true }); exports.a = 1;',
  "odd-names":
    'exports["a-b"] = 1; exports.class = 2; exports[""] = 3; exports["0"] = 4; exports.then = undefined;',
  default: "exports.default = 9;",
  marked: `${MARK} exports.default = 1; exports.a = 2;`,
  "marked-without-default": `${MARK} exports.a = 2;`,
  "marked-undefined": `${MARK} exports.default = undefined;`,
  "marked-function":
    "module.exports = function () {}; module.exports.__esModule = true; module.exports.default = 7;",
  "marked-enumerably": "exports.__esModule = true; exports.default = 1;",
  "marked-false": "exports.__esModule = false; exports.default = 1;",
  "marked-with-1": "exports.__esModule = 1; exports.default = 1;",
  "marked-above": "module.exports = Object.create({ __esModule: true, default: 4 }); module.exports.a = 1;",
};

const SOURCE = fileURLToPath(new URL("../../../../src/build/compile/namespace.ts", import.meta.url));
const CHECK = `
import { readdirSync } from "node:fs";
import { namespaceOf } from ${JSON.stringify(SOURCE)};
const [, , directory, mark] = process.argv;
const differ = [];
let checked = 0;
for (const file of readdirSync(directory).filter((name) => name.endsWith(".cjs"))) {
  const path = directory + "/" + file;
  const ours = namespaceOf(require(path), mark);
  const real = await import(path);
  const names = Object.keys(real).sort();
  const same = String(names) === String(Object.keys(ours).sort()) && names.every((name) => Object.is(ours[name], real[name]));
  if (!same) differ.push([file, names, Object.keys(ours).sort()]);
  checked += 1;
}
console.log(JSON.stringify({ checked, differ }));
`;

test.each([
  ["heeded", "commonjs"],
  ["ignored", "module"],
])("the mark is %s in a package of type %s", (mark, type) => {
  const files = Object.entries(SHAPES).map(([name, source]) => [`${name}.cjs`, source]);
  const directory = bench.write(type, {
    ...Object.fromEntries(files),
    "package.json": JSON.stringify({ type }),
  });
  const check = join(bench.write("check", { "check.mjs": CHECK }), "check.mjs");
  const { stdout, stderr } = runProgram(BUN, [check, directory, mark], { cwd: bench.root });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({ checked: Object.keys(SHAPES).length, differ: [] });
});
