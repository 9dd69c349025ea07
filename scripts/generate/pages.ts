/** Lists the pages of the documentation, for generators and tests. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The pages for people who use gantry, by their paths from the root. */
export function listGuides(root: string): string[] {
  const names = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  return ["README.md", ...names.map((name) => `docs/${name}`)];
}

/** Those, and the pages for people who change gantry. */
export function listPages(root: string): string[] {
  return [...listGuides(root), "ARCHITECTURE.md", "CONTRIBUTING.md"];
}
