/** What the guides name is there: files, npm scripts and vitest projects. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listPages } from "../../scripts/generate/pages.ts";

const root = join(import.meta.dirname, "../..");

/** What is made by a command that the page names, and so is not in a clone. */
const MADE = new Set(["dist/", "bench/results.json"]);
const PATH = /^[\w.-]*[\w/.-]*(?:\/|\.(?:ts|mjs|sh|json|md|Dockerfile))[\w./-]*$/;
/** All other pages than CONTRIBUTING.md name paths of releases and hosts too. */
const OWN = /^(?:src|scripts|systemd|templates|test|docs)\//;

const pages = listPages(root).map((page) => [page, readFileSync(join(root, page), "utf8")] as const);

function namedFiles(page: string, text: string): string[] {
  const code = [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, span = ""]) => span.split(" "));
  const paths = code.filter((word) => PATH.test(word) && (page === "CONTRIBUTING.md" || OWN.test(word)));
  return [...new Set(paths)].filter((path) => !MADE.has(path) && path !== "index.ts");
}

describe.each(pages)("%s", (page, text) => {
  it("names only files that exist", () => {
    const missing = namedFiles(page, text).filter(
      (path) => !existsSync(join(root, path.replace("/ROOM", ""))),
    );
    expect(missing).toEqual([]);
  });

  it("names only npm scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
    const named = [...text.matchAll(/npm (?:run ([\w:]+)|(test)\b)/g)].map(
      ([, script, test]) => script ?? test,
    );
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });
});

it("reads what the guides name", () => {
  const named = new Map(pages.map(([page, text]) => [page, namedFiles(page, text)]));
  const known = [".ci/run", "src/base/error-table.ts", "src/launcher/main.ts"];
  expect(named.get("CONTRIBUTING.md")).toEqual(expect.arrayContaining(known));
  expect(named.get("ARCHITECTURE.md")?.length).toBeGreaterThan(40);
});
