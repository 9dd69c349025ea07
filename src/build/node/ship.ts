/**
 * Copies a Node into a release without its symbol table and debugging data, an eighth to a quarter of the file.
 * Nothing that runs or is loaded reads them, and addons are linked by the dynamic symbols, which stay. The result is
 * always the same bytes.
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

/** @param to is created; the original is not changed. A file that cannot be stripped safely is copied as it is. */
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
