/** The pages for people: what a reader, and each test of what is said to readers, goes through. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** For people who use gantry, by their paths from the root. */
export function listGuides(root: string): string[] {
  const names = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  return ["README.md", ...names.map((name) => `docs/${name}`)];
}

/** Those, and the ones for people who change it. */
export function listPages(root: string): string[] {
  return [...listGuides(root), "ARCHITECTURE.md", "CONTRIBUTING.md"];
}
