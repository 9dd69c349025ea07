/**
 * `gantry check FILE|DIR…`: will these native files load here, in that runtime?
 * Reads files only and runs nothing. Exit 0, or 69 when any file fails or the runtime itself cannot start.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  createJudge,
  downgrade,
  downgradeVerdict,
  parseSkip,
  passOverForeign,
  type FileVerdict,
  type Judge,
} from "../compat/index.ts";
import { ERRORS, GantryError, toGantryError, type Finding } from "../base/errors.ts";
import {
  capturedRuntime,
  capturedView,
  findMount,
  parseCapturedHost,
  readHost,
  readMounts,
  readRuntime,
  withNativeFile,
  type Mount,
  type OwnVersions,
  type RuntimeView,
} from "../host/index.ts";
import { formatJson, formatTable } from "./format-report.ts";
import type { CheckReport } from "./report.ts";
import { findFiles } from "./find-files.ts";
import { readRegularText } from "../base/files/index.ts";

export interface CheckOptions {
  readonly paths: readonly string[];
  /** Executable that will load the files; this process's own when left out. */
  readonly runtime?: string | undefined;
  /** Facts of another host, as `doctor --json` writes them. */
  readonly hostFactsFile?: string | undefined;
  /** LD_LIBRARY_PATH, LD_PRELOAD and GANTRY_SKIP are read. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** process.execPath, process.versions and process.arch of this process. */
  readonly self: { readonly path: string; readonly versions: OwnVersions; readonly arch: string };
}

export interface RunCheckOptions extends CheckOptions {
  readonly json: boolean;
  /** Columns of the terminal; 80 when left out. */
  readonly columns?: number | undefined;
  readonly colour?: boolean | undefined;
}

/**
 * Checks the files, and returns the exit status and the text to print.
 * @throws GantryError USAGE for every path that does not exist, CONFIG_INVALID for a facts file that cannot be used;
 *   the system's error for a path that cannot be read
 */
export async function runCheck(
  options: RunCheckOptions,
): Promise<{ readonly exit: number; readonly output: string }> {
  const report = check(options);
  const failed =
    report.runtimeFindings.some(({ severity }) => severity === "error") ||
    report.files.some(({ verdict }) => verdict === "fail");
  const output = options.json
    ? formatJson(report)
    : formatTable(report, { columns: options.columns ?? 80, colour: options.colour === true });
  return { exit: failed ? ERRORS.MODULE_UNAVAILABLE.exit : 0, output };
}

/** Judges the files and returns the report, for callers that print nothing or in another form. */
export function check(options: CheckOptions): CheckReport {
  const { environment } = options;
  requirePaths(options);
  const files = findFiles(options.paths);
  const live = readHost({ env: environment, arch: options.self.arch });
  const captured =
    options.hostFactsFile === undefined
      ? undefined
      : parseCapturedHost(readRegularText(options.hostFactsFile), options.hostFactsFile);
  const host = captured === undefined ? live : capturedView(captured);
  const ofHost =
    captured === undefined || options.runtime !== undefined ? undefined : capturedRuntime(captured);
  const runtime = ofHost ?? chooseRuntime(options);
  const judge = createJudge(host, runtime, live);
  // Unknown for another host: its facts do not say where it will mount the release.
  const mounts = captured === undefined ? readMounts() : [];
  const judged = files.map(({ path }) => judgeFile(judge, path, mounts));
  const named = new Set(files.filter(({ walked }) => !walked).map(({ path }) => path));
  const skip = parseSkip(environment["GANTRY_SKIP"]);
  return {
    host: host.facts,
    runtime: runtime.facts,
    runtimeFindings: downgrade(judge.runtimeFindings, skip),
    files: passOverForeign(judged, named).map((verdict) => downgradeVerdict(verdict, skip)),
  };
}

function requirePaths({ paths, runtime, hostFactsFile }: CheckOptions): void {
  const findings = [
    ...paths.filter(isMissing).map((path) => ({
      what: `there is no file and no directory "${path}"`,
      fix: "name native modules, or directories of them",
    })),
    ...[runtime].filter(isMissing).map((path) => ({
      what: `--runtime names "${path}", which is not there`,
      fix: "name the Node, Bun or compiled app that will load the files",
    })),
    ...[hostFactsFile].filter(isMissing).map((path) => ({
      what: `--host names "${path}", which is not there`,
      fix: "name the file that ./gantry doctor --json was written to",
    })),
  ].map(({ what, fix }): Finding => ({ code: "USAGE", what, fix }));
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}

function isMissing(path: string | undefined): path is string {
  return path !== undefined && !existsSync(path);
}

function chooseRuntime({ runtime, self }: CheckOptions): RuntimeView {
  if (runtime === undefined) return readRuntime(self.path, self.versions);
  return readRuntime(resolve(runtime));
}

function judgeFile(judge: Judge, path: string, mounts: readonly Mount[]): FileVerdict {
  const absolute = resolve(path);
  const mount = findMount(mounts, absolute);
  const noexec = mount?.options.includes("noexec") === true ? { noexec: mount.point } : {};
  try {
    return withNativeFile(absolute, (file) => ({
      ...judge.judge({ path: absolute, file, ...noexec }),
      path,
    }));
  } catch (error) {
    const [finding] = toGantryError(error).findings;
    const { code, what } = finding;
    const fix = finding.fix ?? ERRORS[code].fix;
    const findings = [{ code, severity: "error" as const, file: path, what, evidence: what, fix }];
    return { path, verdict: "fail", findings };
  }
}
