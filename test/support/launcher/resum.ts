/** SHA256SUMS of a release that a test has changed on purpose, as a build would have written it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readFileEntry } from "../../../src/release/tree.ts";

/** Digests of the listed files that are there; the other lines stay. */
export function resum(root: string): void {
  const sums = join(root, "SHA256SUMS");
  const lines = readFileSync(sums, "utf8").replace(/^[0-9a-f]{64} {2}(.+)$/gm, (line, name: string) =>
    existsSync(join(root, name)) ? `${readFileEntry(join(root, name))[1]}  ${name}` : line,
  );
  writeFileSync(sums, lines);
}
