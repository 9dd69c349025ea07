/** The table of variables against the source that uses them, and the help that is made from it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { formatSettings, formatVariableTables } from "../../../src/base/variable-texts.ts";
import { VARIABLES, variablesWhere } from "../../../src/base/variables.ts";

const root = join(import.meta.dirname, "../../..");
const TABLE = new Set(["src/base/variables.ts", "src/base/variable-texts.ts"]);

const files = ["src", "templates", "systemd"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => `${folder}/${name}`),
  )
  .filter((path) => statSync(join(root, path)).isFile() && !TABLE.has(path));
const texts = files.map((path) => readFileSync(join(root, path), "utf8"));

/** Every whole word of the source that looks like a variable of a kind. */
function wordsLike(pattern: RegExp): string[] {
  return [...new Set(texts.flatMap((text) => text.match(pattern) ?? []))].toSorted();
}

it("the source names each GANTRY_ variable of the table, and no other", () => {
  const known = variablesWhere(({ kind }) => kind !== "foreign");
  expect(wordsLike(/\bGANTRY_[A-Z_]+\b/g)).toEqual(known.toSorted());
});

/** Names that a build replaces in the app's text. No program of gantry reads them. */
const REPLACED = new Set(["NODE_ENV"]);

it("the table has every variable that the source reads by its name", () => {
  const read = texts.flatMap((text) =>
    [...text.matchAll(/\b(?:environment|env|process\.env)(?:\["(\w+)"\]|\.([A-Z_]+)\b)/g)].map(
      ([, quoted, plain]) => quoted ?? plain ?? "",
    ),
  );
  expect(read.length).toBeGreaterThan(20);
  expect(read.filter((name) => !(name in VARIABLES) && !REPLACED.has(name))).toEqual([]);
});

it("the table has every variable of the caller that a script of the release reads", () => {
  const scripts = texts.filter((_, index) => files[index]?.endsWith(".sh"));
  const read = scripts.flatMap((text) =>
    [...text.matchAll(/\$\{?([A-Z][A-Z_]+)/g)].map(([, name = ""]) => name),
  );
  expect(read.length).toBeGreaterThan(10);
  expect(read.filter((name) => !(name in VARIABLES))).toEqual([]);
});

it("help lists what a person may set on that side", () => {
  const lines = formatSettings("launcher", 80).split("\n");
  const named = lines.flatMap((line) => /^ {2}([A-Z_]+)/.exec(line)?.[1] ?? []);
  expect(named).toEqual(
    variablesWhere(({ kind, readBy }) => kind === "setting" && readBy.includes("launcher")),
  );
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

it("the tables have a row for each variable", () => {
  const rows = formatVariableTables().match(/^\| `[^`]+` \|.*$/gm) ?? [];
  expect(rows).toHaveLength(Object.keys(VARIABLES).length);
  expect(rows.filter((row) => row.replaceAll("\\|", "").split("|").length !== 7)).toEqual([]);
});
