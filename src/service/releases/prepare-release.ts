/**
 * Runs a release's own launcher as a child process, because only that launcher certainly understands all of the
 * release's manifest. The findings that the child prints are parsed into findings.
 */
import { join } from "node:path";
import { ERRORS, GantryError, type ErrorCode, type Finding } from "../../base/errors.ts";
import type { Environment } from "../../base/environment.ts";
import { NAMES } from "../../release/index.ts";
import type { ServiceContext } from "../service-context.ts";
import { requireOwnScript } from "../names/root-owned.ts";
import { runProgram, UNIT_PATH } from "../../base/process/index.ts";

/**
 * Variables that the child must not inherit: those that systemd sets for the processes of a unit, and those that change
 * how Bun runs, where the modules are put, or what the child prints.
 */
const UNIT_VARIABLES =
  /^(?:STATE_DIRECTORY|CACHE_DIRECTORY|LOGS_DIRECTORY|RUNTIME_DIRECTORY|NOTIFY_SOCKET|JOURNAL_STREAM|INVOCATION_ID|BUN_.*|GANTRY_STORE|GANTRY_LOG_LEVEL)$/;

/**
 * The environment for the child. It has the PATH of the service, so that the child finds the same Node as the service.
 */
function releaseEnvironment(environment: Environment): Environment {
  const kept = Object.entries(environment).filter(([name]) => !UNIT_VARIABLES.test(name));
  return { ...Object.fromEntries(kept), PATH: UNIT_PATH };
}

/**
 * Prepares the modules of a release in the release's own directory (`./gantry prepare`), which also proves that they
 * load on this host.
 * @throws GantryError with the findings of that release's launcher
 */
export async function prepareRelease(
  root: string,
  context: Pick<ServiceContext, "environment" | "reporter" | "signal">,
): Promise<void> {
  requireOwnScript(root);
  const { code, stderr } = await runProgram(join(root, NAMES.gantry), ["prepare"], {
    environment: releaseEnvironment(context.environment),
    cwd: root,
    signal: context.signal,
    heard: (line) => {
      const step = /^gantry: (?![A-Z_]+: )(.+)/.exec(line)?.[1];
      if (step !== undefined) context.reporter.step(step);
    },
  });
  context.signal.throwIfAborted();
  if (code === 0) return;
  const [first, ...rest] = parseFindings(stderr);
  if (first !== undefined) throw new GantryError(first, ...rest);
  throw new GantryError({
    code: "MODULE_UNAVAILABLE",
    what: `the release could not be prepared: its launcher ended with ${code}`,
    where: root,
    detail: stderr
      .split("\n")
      .filter((line) => line !== "")
      .slice(-5),
  });
}

/**
 * Parses the findings that formatFinding wrote. A code that this version does not know becomes MODULE_UNAVAILABLE, and
 * stays in the text.
 */
export function parseFindings(text: string): Finding[] {
  const findings: { code: ErrorCode; what: string; where?: string; fix?: string; detail?: string[] }[] = [];
  for (const line of text.split("\n")) {
    const [, code = "", what = ""] = /^gantry: ([A-Z][A-Z0-9_]+): (.*)$/.exec(line) ?? [];
    const last = findings.at(-1);
    if (code !== "") findings.push(isErrorCode(code) ? { code, what } : unknownFinding(code, what));
    else if (last === undefined) continue;
    else if (line.startsWith("  file  ")) last.where = line.slice(8);
    else if (line.startsWith("  fix   ")) last.fix = line.slice(8);
    else if (line.startsWith("        ")) last.detail = [...(last.detail ?? []), line.slice(8)];
  }
  return findings;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

function unknownFinding(code: string, what: string): { code: ErrorCode; what: string } {
  return { code: "MODULE_UNAVAILABLE", what: `${code}: ${what}` };
}
