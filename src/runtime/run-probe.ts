/**
 * The load probe: a child process of the compiled app that, because GANTRY_PROBE is set, loads modules exactly as the
 * app's own imports do, and reports. Each external that fails gets its own child, so that a crash becomes a finding
 * about that external alone.
 */
import { randomBytes } from "node:crypto";
import { errorCode, type Finding } from "../base/errors.ts";
import { MODULES_VARIABLE, parseProbeOutput, PROBE_VARIABLE, type ProbeRequest } from "../release/index.ts";
import { keptEnvironment } from "./invoke.ts";
import { outputLines, run, type RunResult } from "../base/process/index.ts";
import type { Environment } from "../base/environment.ts";

export interface ProbeOptions {
  /** The compiled app, or a Node, whose arguments load the preload file. */
  readonly executable: string;
  readonly args?: readonly string[];
  /** The absolute node_modules directory to load from. */
  readonly modules: string;
  /** Where the child runs; a directory that holds no modules of its own. */
  readonly cwd: string;
  readonly environment: Environment;
  /** Milliseconds that a module may take to load before it counts as hanging; 60,000 when left out. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface ProbedExternal {
  readonly name: string;
  /** Specifiers to load, as the app imports them. */
  readonly imports: readonly string[];
  /** See ProbeRequest. */
  readonly files?: readonly (readonly string[])[];
}

const LOAD_LIMIT = 60_000;

/**
 * Variables that the probe needs to load what the app loads: where the loader looks for libraries (ld.so(8)), and which C
 * library node-gyp-build assumes. For root, the stub has removed the first one.
 */
const SEEN_BY_APP = ["LD_LIBRARY_PATH", "LIBC"] as const;

function pick(environment: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * Loads one external's specifiers in a child; undefined when all of them load, or there are none.
 * @throws the system's error when there are no descriptors left to start it (EMFILE, ENFILE)
 */
export async function probeExternal(
  external: ProbedExternal,
  options: ProbeOptions,
): Promise<Finding | undefined> {
  if (external.imports.length === 0) return undefined;
  const { imports: specifiers, files } = external;
  const nonce = randomBytes(12).toString("hex");
  const request: ProbeRequest = { nonce, specifiers, ...(files === undefined ? {} : { files }) };
  let result: RunResult;
  try {
    result = await run(options.executable, options.args ?? [], {
      cwd: options.cwd,
      timeout: options.limit ?? LOAD_LIMIT,
      environment: keptEnvironment(options.environment, {
        ...pick(options.environment, SEEN_BY_APP),
        [PROBE_VARIABLE]: JSON.stringify(request),
        [MODULES_VARIABLE]: options.modules,
      }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    if (isExhausted(error)) throw error;
    const what = `the app cannot be started: ${error instanceof Error ? error.message : String(error)}`;
    return { code: "EXEC_FAILED", what, where: options.executable };
  }
  return probeFinding(external, request, result, options);
}

/** Whether there are too many open files, in this process or on the host: no module is the cause. */
function isExhausted(error: unknown): boolean {
  return ["EMFILE", "ENFILE"].includes(errorCode(error) ?? "");
}

/**
 * Loads several externals in one child, as the app will. If that fails in any way, each external is loaded in its own
 * child, so that the finding names the right one.
 * @returns a finding for each that does not load, by name
 */
export async function probeTogether(
  externals: readonly ProbedExternal[],
  options: ProbeOptions,
): Promise<ReadonlyMap<string, Finding>> {
  const all = {
    name: "",
    imports: externals.flatMap(({ imports }) => imports),
    files: externals.flatMap(({ files }) => files ?? []),
  };
  if (externals.length > 1 && (await probeExternal(all, options)) === undefined) return new Map();
  options.signal?.throwIfAborted();
  const findings = new Map<string, Finding>();
  for (const external of externals) {
    const finding = await probeExternal(external, options);
    options.signal?.throwIfAborted();
    if (finding !== undefined) findings.set(external.name, finding);
  }
  return findings;
}

function probeFinding(
  external: ProbedExternal,
  request: ProbeRequest,
  result: RunResult,
  options: ProbeOptions,
): Finding | undefined {
  const answers = parseProbeOutput(result.stdout, request.nonce);
  const failed = answers.find((answer) => answer.state === "failed");
  if (failed?.state === "failed") return failureFinding(external.name, failed.message);
  const loaded = answers.filter((answer) => answer.state === "loaded").length;
  if (result.code === 0 && loaded === external.imports.length + (external.files?.length ?? 0))
    return undefined;
  if (answers.length === 0 && result.signal === null && !result.timedOut) {
    return {
      code: "RELEASE_FILE_MISSING",
      what: "the app's program does not answer the load probe: it was stripped or replaced",
      where: options.executable,
      ...quote(result.stderr),
    };
  }
  const last = (answers.at(-1)?.specifier ?? external.name).replace(options.modules, "node_modules");
  const how = result.timedOut
    ? "did not finish"
    : `ended the process (${result.signal ?? `exit ${result.code}`})`;
  return {
    code: "LOAD_CRASHED",
    what: `loading ${last} ${how}`,
    where: external.name,
    ...quote(result.stderr),
  };
}

/** Its path is relative to the release, because a work directory is removed before people read the message. */
function failureFinding(name: string, message: string): Finding {
  const where = `node_modules/${name}`;
  const detail = message.split("\n").slice(0, 4);
  return { code: "MODULE_UNAVAILABLE", what: `${name} does not load`, where, detail };
}

/** The first lines of a process's stderr, as a finding's detail. */
function quote(stderr: string): Pick<Finding, "detail"> {
  const detail = outputLines(stderr);
  return detail.length === 0 ? {} : { detail: detail.slice(0, 4) };
}
