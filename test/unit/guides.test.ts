/** What CONTRIBUTING.md names is there: files, npm scripts and vitest projects. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const guide = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");

/** What is made by a command that the guide names, and so is not in a clone. */
const MADE = new Set(["dist/", "bench/results.json"]);

it("names only files that exist", () => {
  const code = [...guide.matchAll(/`([^`\n]+)`/g)].flatMap(([, text = ""]) => text.split(" "));
  const paths = code.filter((word) => /^[\w.-]*[\w/.-]*(?:\/|\.(?:ts|mjs|json|md))[\w./-]*$/.test(word));
  const named = [...new Set(paths)].filter((path) => !MADE.has(path) && path !== "index.ts");
  expect(named).toEqual(expect.arrayContaining([".ci/run", "src/base/errors.ts", "src/launcher/main.ts"]));
  expect(named.filter((path) => !existsSync(join(root, path.replace("/ROOM", ""))))).toEqual([]);
});

it("names only npm scripts that exist", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
  const named = [...guide.matchAll(/npm (?:run ([\w:]+)|(test)\b)/g)].map(
    ([, script, test]) => script ?? test,
  );
  expect(named.length).toBeGreaterThan(4);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
});
