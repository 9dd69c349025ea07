/**
 * Makes SHA256SUMS: a `DIGEST  PATH` line, as sha256sum(1) -c reads it, for every file of a release except SHA256SUMS
 * itself and signatures.
 */
import { isSignature, NAMES, readFileEntry, readTreeFiles } from "../../release/index.ts";
import { join } from "node:path";

export function makeSums(root: string): string {
  const files = readTreeFiles(root).filter(({ path }) => path !== NAMES.sums && !isSignature(path));
  return formatSums(files.map(({ path }) => [path, readFileEntry(join(root, path))[1]]));
}

/** Formats digests and paths as lines, in the order of readTreeFiles. */
export function formatSums(sums: Iterable<readonly [path: string, digest: string]>): string {
  const sorted = [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([path, digest]) => `${digest}  ${path}\n`).join("");
}
