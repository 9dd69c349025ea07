/** SHA256SUMS: a `DIGEST  PATH` line for every file of a release but itself and its signature, as sha256sum(1) -c reads it. */
import { readFileEntry, readTreeFiles } from "../../release/tree.ts";
import { NAMES } from "../../release/layout.ts";
import { join } from "node:path";

export function readSums(root: string): string {
  const files = readTreeFiles(root).filter(({ path }) => path !== NAMES.sums && path !== NAMES.signature);
  return files.map((file) => `${readFileEntry(join(root, file.path))[1]}  ${file.path}\n`).join("");
}
