/** SHA256SUMS: one `DIGEST  PATH` line for every file of a release but itself, as sha256sum(1) -c reads it. */
import { readFileEntry, readTreeFiles } from "../../release/tree.ts";
import { NAMES } from "../../release/layout.ts";
import { join } from "node:path";

export function readSums(root: string): string {
  const files = readTreeFiles(root).filter((file) => file.path !== NAMES.sums);
  return files.map((file) => `${readFileEntry(join(root, file.path))[1]}  ${file.path}\n`).join("");
}
