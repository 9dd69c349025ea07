/** All committed files that are generated from the source: the tables of the guides, the API page, and the schemas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { APPS } from "../../test/apps/table.ts";
import { formatApps } from "../apps/page.ts";
import { readResults } from "../apps/results.ts";
import { formatApi } from "./api.ts";
import { listPages } from "./pages.ts";
import { formatSchemas } from "./schemas/index.ts";
import { fillPage } from "./tables.ts";

export interface GeneratedFile {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly text: string;
}

const API_PAGE = "docs/api.md";
const APPS_PAGE = "docs/APPS.md";

/** The expected contents of each file. Writes nothing. */
export function generateFiles(root: string): GeneratedFile[] {
  const written = listPages(root).filter((path) => path !== API_PAGE && path !== APPS_PAGE);
  const pages = written.map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return { path, text: fillPage(text, root) };
  });
  const schemas = Object.entries(formatSchemas()).map(([name, text]) => ({
    path: `schemas/${name}.json`,
    text,
  }));
  return [
    ...pages,
    { path: API_PAGE, text: formatApi(root) },
    { path: APPS_PAGE, text: formatApps(APPS, readResults(root)) },
    ...schemas,
  ];
}
