/** The guides for users: short where it starts, whole where it ends, and every link leads somewhere. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { listGuides, listPages } from "../../scripts/generate/pages.ts";
import { fillPage, TABLES } from "../../scripts/generate/tables.ts";
import { STRATEGIES } from "../../src/build/index.ts";

const root = join(import.meta.dirname, "../..");
const read = (page: string) => readFileSync(join(root, page), "utf8");

it.each(listPages(root))("%s links to pages that exist", (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, link = ""]) => link);
  const local = links.filter((link) => !link.startsWith("https://"));
  expect(local.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
});

it("each table is on one page", () => {
  const pages = listPages(root).map(read);
  for (const name of Object.keys(TABLES)) {
    const holders = pages.filter((text) => text.includes(`<!-- ${name}: begin -->`));
    expect({ name, pages: holders.length }).toEqual({ name, pages: 1 });
  }
});

it("a table that is not the code's is replaced", () => {
  const page = "<!-- targets: begin -->\n| target |\n<!-- targets: end -->\n";
  const filled = fillPage(page, root);
  expect(filled).toContain("| `linux-x64-gnu` |");
  expect(fillPage(filled, root)).toBe(filled);
  expect(() => fillPage(page.replaceAll("targets", "planets"), root)).toThrow(/planets/);
});

it("the README is short, and leads to every guide", () => {
  const readme = read("README.md");
  expect(readme.split("\n").length).toBeLessThanOrEqual(150);
  const guides = listGuides(root).filter((page) => page !== "README.md");
  expect(guides.filter((page) => !readme.includes(`(${page})`))).toEqual([]);
});

it("the packed file that the guides name has this version", () => {
  const { version } = JSON.parse(read("package.json")) as { version: string };
  const named = listGuides(root).flatMap((page) => read(page).match(/gantry-\d+\.\d+\.\d+\.tgz/g) ?? []);
  expect(new Set(named)).toEqual(new Set([`gantry-${version}.tgz`]));
});

it("docs/images.md has a row for each strategy", () => {
  const rows = [...read("docs/images.md").matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  expect(rows).toEqual([...STRATEGIES]);
});
