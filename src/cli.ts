#!/usr/bin/env node
/** The command line of the build side. Only this file of the build side reads process.env and sets the exit code. */
import { fstatSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { createScratch } from "./build/scratch.ts";
import { runCommandLine } from "./base/command-line.ts";
import { buildSideCommands, LATER } from "./commands/index.ts";
import { formatFinding, toGantryError } from "./base/errors.ts";
import { createLog, logFormat } from "./base/log.ts";
import { printableLines } from "./base/text.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};
const { dev, ino } = fstatSync(2);
const format = logFormat({ isTTY: process.stderr.isTTY, dev, ino }, process.env["JOURNAL_STREAM"]);
const log = createLog({ format, level: "info", write: (text) => process.stderr.write(text) });
const print = (text: string): void => {
  process.stdout.write(`${printableLines(text, process.stdout.isTTY ? "coloured" : "plain")}\n`);
};

/** Only y and yes are a yes. The end of the input is a no. */
async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const ended = new Promise<string>((resolve) => void lines.once("close", () => resolve("")));
    return /^y(?:es)?$/i.test((await Promise.race([lines.question(`${question} [y/N] `), ended])).trim());
  } finally {
    lines.close();
  }
}

const scratch = createScratch();
const interrupted = new AbortController();
/** Milliseconds in which a command ends by itself. Its tools get SIGKILL after half a second. */
const PATIENCE = 1000;

/** Ends the process as the signal would have done it, and leaves no work directories. */
function endBy(signal: NodeJS.Signals): void {
  scratch.removeAll();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) return endBy(signal);
    interrupted.abort(signal);
    setTimeout(() => endBy(signal), PATIENCE);
  });
}

try {
  await runCommandLine(
    {
      name: "gantry",
      side: "build",
      version,
      description: "Makes releases of single-binary apps with native modules",
      commands: buildSideCommands({
        environment: process.env,
        log,
        scratch,
        signal: interrupted.signal,
        print,
        confirm: process.stdin.isTTY && process.stderr.isTTY ? confirm : undefined,
        self: { path: process.execPath, versions: process.versions, arch: process.arch },
        terminal: { columns: process.stdout.columns, colour: process.stdout.isTTY },
        setExit: (status) => {
          process.exitCode = status;
        },
      }),
      later: LATER,
    },
    process.argv.slice(2),
    { print, colour: process.stdout.isTTY },
  );
} catch (error) {
  if (interrupted.signal.aborted) {
    endBy(interrupted.signal.reason as NodeJS.Signals);
  } else {
    const failure = toGantryError(error);
    for (const finding of failure.findings) log.error(formatFinding(finding).join("\n"));
    process.exitCode = failure.exit;
  }
}
