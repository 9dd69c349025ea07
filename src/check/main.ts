/**
 * `check` as a program of its own, until the command line has it: FILE|DIR… [--runtime EXE] [--host FACTS] [--json].
 */
import { parseArgs } from "node:util";
import { formatFinding, toGantryError } from "../errors.ts";
import { runCheck } from "./check.ts";

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runtime: { type: "string" }, host: { type: "string" }, json: { type: "boolean" } },
  });
  const { exit, output } = await runCheck({
    paths: positionals,
    runtime: values.runtime,
    hostFactsFile: values.host,
    json: values.json === true,
    // oxlint-disable-next-line no-restricted-properties
    environment: process.env,
    self: { path: process.execPath, versions: process.versions, arch: process.arch },
    columns: process.stdout.columns,
    colour: process.stdout.isTTY,
  });
  process.stdout.write(output);
  process.exitCode = exit;
}

try {
  await main();
} catch (error) {
  const failure = toGantryError(error);
  for (const finding of failure.findings) process.stderr.write(`${formatFinding(finding).join("\n")}\n`);
  process.exitCode = failure.exit;
}
