#!/usr/bin/env node
/** The build side's command line. The only place on this side that reads process.env and sets the exit code. */
import { fstatSync, readFileSync } from "node:fs";
import { defineCommand, flagValues, runCommandLine } from "./command-line.ts";
import { formatFinding, toGantryError } from "./errors.ts";
import { createLog, logFormat, type Log } from "./log.ts";
import { analyze, buildRelease } from "./index.ts";

const version: string = (
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  }
).version;

const app = {
  type: "positional",
  required: false,
  default: ".",
  description: "the app's directory",
} as const;
const target = {
  type: "string",
  valueHint: "T,…",
  description: "platform of the release; may be given more than once",
} as const;
const bun = {
  type: "string",
  valueHint: "PATH",
  description: "the Bun to use instead of the app's own",
} as const;

const build = defineCommand({
  meta: { name: "build", description: "Makes the release directory and its archive" },
  args: {
    app,
    target,
    out: { type: "string", valueHint: "DIR", default: "releases", description: "where the results go" },
    bun,
  },
  async run({ args, rawArgs }) {
    const targets = flagValues(rawArgs, "target");
    const built = await buildRelease({
      appDir: args.app,
      targets,
      out: args.out,
      bun: args.bun,
      environment: process.env,
      log: createCliLog(),
    });
    for (const release of built) process.stdout.write(`${release.directory}\n${release.archive}\n`);
  },
});

const analyzeCommand = defineCommand({
  meta: { name: "analyze", description: "Explains which modules must stay outside the binary" },
  args: { app, target, bun, json: { type: "boolean", description: "for programs" } },
  async run({ args, rawArgs }) {
    const [name] = flagValues(rawArgs, "target");
    const report = await analyze({ appDir: args.app, target: name, bun: args.bun, environment: process.env });
    process.stdout.write(
      args.json === true ? `${JSON.stringify(report.json, null, 2)}\n` : `${report.text}\n`,
    );
  },
});

const LATER = ["bundle", "docker", "check", "keygen", "sign", "verify", "history"];

function createCliLog(): Log {
  const { dev, ino } = fstatSync(2);
  const format = logFormat({ isTTY: process.stderr.isTTY, dev, ino }, process.env["JOURNAL_STREAM"]);
  return createLog({ format, level: "info", write: (text) => process.stderr.write(text) });
}

try {
  await runCommandLine(
    {
      name: "gantry",
      version,
      description: "Makes releases of single-binary apps with native modules",
      commands: { build, analyze: analyzeCommand },
      later: LATER,
    },
    process.argv.slice(2),
    { print: (text) => process.stdout.write(`${text}\n`), colour: process.stdout.isTTY },
  );
} catch (error) {
  const log = createCliLog();
  const failure = toGantryError(error);
  for (const finding of failure.findings) log.error(formatFinding(finding).join("\n"));
  process.exitCode = failure.exit;
}
