/** Every committed file that is made from the source: the tables of the guides, and the schemas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listPages } from "./pages.ts";
import { formatSchemas } from "./schemas/index.ts";
import { fillPage } from "./tables.ts";

export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** What each of them has to hold; writes nothing. */
export function generateFiles(root: string): GeneratedFile[] {
  const pages = listPages(root).map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return { path, text: fillPage(text, root) };
  });
  const schemas = Object.entries(formatSchemas()).map(([name, text]) => ({
    path: `schemas/${name}.json`,
    text,
  }));
  return [...pages, ...schemas];
}
