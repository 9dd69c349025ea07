/**
 * Starts a finished release in each way that it claims: a copy of it, in an empty directory, with an empty environment,
 * and without a network where this machine allows that. Its own command makes its modules ready first. The release
 * itself is not touched.
 */
import { constants, cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { outputLines, readProgramPath, run } from "../../base/process/index.ts";
import type { Environment } from "../../base/environment.ts";
import { type Manifest, NAMES, releaseLayout, runsOn, vendoredBundle } from "../../release/index.ts";
import { toolEnvironment } from "../../runtime/index.ts";
import type { Settings } from "../app/index.ts";
import type { BuildContext } from "../build-context.ts";
import type { StagedTarget } from "../stage-types.ts";
import type { Isolation } from "./isolation.ts";
import { judgeStart } from "./judge-start.ts";
import type { ReleaseStart, StartOutcome, Way } from "./start-outcome.ts";
import { claimedWays, obstacleOf } from "./ways.ts";
import { watchStart } from "./watch-start.ts";

/** What a start needs of a build. */
export type StartContext = Pick<
  BuildContext,
  "smoke" | "host" | "environment" | "scratch" | "signal" | "log"
> & {
  readonly app: { readonly settings: Pick<Settings, "smoke" | "service"> };
  readonly isolation: () => Promise<Isolation>;
};

/** What it needs of a target. */
export type StartableTarget = Pick<
  StagedTarget,
  "target" | "stage" | "release" | "name" | "treeDirectory"
> & {
  readonly program: Pick<StagedTarget["program"], "path">;
};

/** One release that is being started. */
interface Trial {
  readonly context: StartContext;
  readonly staged: StartableTarget;
  readonly manifest: Manifest;
  /** The copy. Its base name is the release's. */
  readonly copy: string;
  readonly isolation: Isolation;
}

const PATH = "/usr/bin:/bin";

/**
 * Starts the release of a target.
 * @throws GantryError SMOKE_FAILED with the app's own words when it does not start
 */
export async function startRelease(
  context: StartContext,
  staged: StartableTarget,
  manifest: Manifest,
): Promise<ReleaseStart> {
  if (context.smoke === "off") return { state: "skipped" };
  if (!runsOn(staged.target, context.host)) return { state: "not here" };
  const copy = join(staged.stage, "smoke", staged.name);
  const isolation = await context.isolation();
  try {
    cpSync(staged.release, copy, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
    const trial: Trial = { context, staged, manifest, copy, isolation };
    const starts: StartOutcome[] = [];
    for (const way of claimedWays(manifest, existsSync(bundlePath(trial)))) {
      context.log.info(`${staged.target.name}: starting the release (${way})`);
      starts.push(await startBy(trial, way));
      context.signal?.throwIfAborted();
    }
    return { state: "started", network: isolation.network, starts };
  } finally {
    rmSync(join(staged.stage, "smoke"), { recursive: true, force: true, maxRetries: 3 });
  }
}

function bundlePath({ staged, manifest, copy }: Pick<Trial, "staged" | "manifest" | "copy">): string {
  return join(copy, vendoredBundle(staged.target, manifest.bundle?.compression ?? "zst"));
}

/** Makes the copy ready in one way, and starts it. */
async function startBy(trial: Trial, way: Way): Promise<StartOutcome> {
  const { context, manifest, copy } = trial;
  if (way === "no modules") return await startOnce(trial, { way });
  rmSync(join(copy, NAMES.modules), { recursive: true, force: true });
  if (way === "registry") rmSync(join(copy, NAMES.vendor), { recursive: true, force: true });
  const obstacle =
    obstacleOf(way, {
      unsigned: manifest.publicKey !== undefined,
      npmMissing:
        manifest.runtime.kind === "node" && readProgramPath("npm", context.environment) === undefined,
    }) ?? (await prepare(trial, way));
  if (obstacle === undefined) return await startOnce(trial, { way });
  return await startInstalled(trial, obstacle);
}

/** Starts the copy with the modules that the build installed. */
async function startInstalled(trial: Trial, instead: string): Promise<StartOutcome> {
  const from = join(trial.staged.treeDirectory, NAMES.modules);
  const to = join(trial.copy, NAMES.modules);
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
  try {
    await prepare(trial, "installed modules");
    return await startOnce(trial, { way: "installed modules", instead });
  } finally {
    rmSync(join(to, NAMES.stamps), { recursive: true, force: true });
    renameSync(to, from);
  }
}

/** EX_TEMPFAIL of sysexits.h, with which the launcher ends when the network fails. */
const TEMPORARY = 75;

/**
 * Lets the copy make its modules ready by its own `./gantry prepare`. Only the registry gets this machine's environment,
 * which may say how to reach it.
 * @returns why that could not be tried, when the network failed
 * @throws GantryError SMOKE_FAILED when it fails for another reason
 */
async function prepare(trial: Trial, way: Way): Promise<string | undefined> {
  const { context, staged, manifest, copy } = trial;
  const { environment, scratch, signal } = context;
  const online = way === "registry";
  const home = scratch.makePrivate();
  const own = { PATH: startPath(staged), HOME: home, TMPDIR: home };
  const result = await run(
    releaseLayout(copy, manifest).gantry,
    online ? ["prepare"] : ["prepare", "--offline"],
    {
      cwd: home,
      environment: online
        ? toolEnvironment({ ...environment, PATH: startPath(staged, environment["PATH"]) })
        : own,
      ends: "group",
      ...(signal === undefined ? {} : { signal }),
    },
  ).finally(() => scratch.remove(home));
  signal?.throwIfAborted();
  if (result.code === 0) return undefined;
  const detail = outputLines(result.stderr);
  if (online && result.code === TEMPORARY)
    return detail.find((line) => line.includes("NETWORK_FAILED")) ?? "no network";
  throw failed(trial, way, {
    code: "SMOKE_FAILED",
    what: `cannot make its modules ready (exit ${result.code ?? result.signal})`,
    detail,
    fix: "do what the lines above say",
  });
}

/** The PATH of a start: the system's own directories, after that of the Node which a release takes from the host. */
function startPath({ program }: StartableTarget, rest = PATH): string {
  return program.path === undefined ? rest : `${program.path}:${rest}`;
}

/** Starts the copy, which is ready. */
async function startOnce(
  trial: Trial,
  { way, instead }: Pick<StartOutcome, "way" | "instead">,
): Promise<StartOutcome> {
  const { context, staged, manifest, copy, isolation } = trial;
  const { smoke, service } = context.app.settings;
  const home = context.scratch.makePrivate();
  try {
    const places = { HOME: "home", TMPDIR: "tmp", STATE_DIRECTORY: "state" };
    const variables = Object.entries(places).map(([name, place]) => [name, join(home, place)] as const);
    for (const place of ["empty", ...Object.values(places)]) mkdirSync(join(home, place));
    const environment: Environment = {
      PATH: startPath(staged),
      ...Object.fromEntries(variables),
      ...(service.port === undefined ? {} : { PORT: String(service.port) }),
      ...service.environment,
      ...smoke.env,
      GANTRY_OFFLINE: "1",
    };
    const seen = await watchStart({
      command: isolation.wrap([
        releaseLayout(copy, manifest).stub,
        ...(smoke.arguments ?? service.arguments),
      ]),
      cwd: service.workingDirectory === "release" ? copy : join(home, "empty"),
      environment,
      mark: home,
      timeout: smoke.timeout,
      until: smoke.listens === false ? "the time is up" : "it listens",
      signal: context.signal,
      guard: context.scratch.guard,
    });
    const verdict = judgeStart(seen, smoke, {
      release: copy,
      optional: optionalNames(manifest),
      current: join(home, "empty"),
      has: (path) =>
        [NAMES.app, NAMES.assets, "."].some((directory) => existsSync(join(copy, directory, path))),
    });
    if ("failure" in verdict) throw failed(trial, way, verdict.failure);
    return { way, ...verdict.outcome, ...(instead === undefined ? {} : { instead }) };
  } finally {
    context.scratch.remove(home);
  }
}

function optionalNames({ externals }: Manifest): string[] {
  return externals.flatMap(({ name, optional }) => (optional ? [name] : []));
}

function failed({ context, copy, manifest, staged }: Trial, way: Way, finding: Finding): GantryError {
  const { smoke, service } = context.app.settings;
  const command = [manifest.binary, ...(smoke.arguments ?? service.arguments)].join(" ");
  return new GantryError({
    ...finding,
    what: `the finished release does not start (${staged.target.name}, ${way}): it ${finding.what}`,
    where: `${basename(copy)}/${command}`,
    fix: `${finding.fix}; --no-smoke builds without starting it`,
  });
}
