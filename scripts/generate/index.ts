/** All committed files that are generated from the source: the tables of the guides, and the schemas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listPages } from "./pages.ts";
import { formatSchemas } from "./schemas/index.ts";
import { fillPage } from "./tables.ts";

export interface GeneratedFile {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** The expected contents of each file. Writes nothing. */
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
