/**
 * Copies a Node into a release without its symbol table and debugging data, which are an eighth to a quarter of the
 * file. No program that runs or loads it reads them. Addons are linked by the dynamic symbols, which stay. The same
 * Node always gives the same bytes.
 */
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  openSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { planStrip } from "../../elf/index.ts";
import { openSource } from "../../host/index.ts";

/**
 * Copies the executable. The original is not changed. A file from which nothing can be removed safely is copied as it
 * is.
 * @param to the path of the copy
 */
export function shipNode(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, 0o755);
  const source = openSource(from);
  try {
    const plan = planStrip(source);
    if (plan === undefined) return;
    truncateSync(to, plan.kept);
    appendFileSync(to, plan.tail);
    const file = openSync(to, "r+");
    writeSync(file, plan.header, 0, plan.header.length, 0);
    closeSync(file);
  } finally {
    source.close();
  }
}
