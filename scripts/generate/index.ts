/** Every committed file that is made from the source: the reference pages of docs/ and the schemas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatVariableTables } from "../../src/base/variable-texts.ts";

export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** What each of them has to hold; writes nothing. */
export function generateFiles(root: string): GeneratedFile[] {
  return [withPart(root, "docs/variables.md", "variables", formatVariableTables())];
}

/** A page that people write, with one generated part between two marks. */
function withPart(root: string, path: string, name: string, part: string): GeneratedFile {
  const begin = `<!-- ${name}: begin -->`;
  const end = `<!-- ${name}: end -->`;
  const page = readFileSync(join(root, path), "utf8");
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${path} has no part ${begin} … ${end}`);
  return { path, text: `${before}${begin}\n${part}\n${end}${after}` };
}
