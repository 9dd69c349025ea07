/** Takes one app through `gantry init --yes` and `gantry build`, and starts what came out. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import type { App } from "../../test/apps/app.ts";
import { makeApp } from "./make.ts";
import type { Result } from "./results.ts";
import { pickMessage } from "./results.ts";
import type { Session } from "./run.ts";
import { run, runSession, withoutNetwork } from "./run.ts";
import type { Toolchain } from "./toolchain.ts";

/** Everything that the steps of one app share. */
interface Trial {
  readonly app: App;
  readonly toolchain: Toolchain;
  readonly work: string;
  readonly log: (text: string) => void;
}

const gantry = ({ toolchain, work }: Trial, ...args: string[]) =>
  run([toolchain.node, join(toolchain.root, "dist/cli.js"), ...args], {
    cwd: work,
    environment: toolchain.environment,
    seconds: 1800,
  });

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** As `du` counts: what the disk holds, a file of several names once. */
async function bytesOf(trial: Trial, path: string): Promise<number> {
  const { stdout } = await run(["du", "-sb", path], {
    cwd: trial.work,
    environment: trial.toolchain.environment,
    seconds: 120,
  });
  return Number(stdout.split("\t")[0]);
}

/** Starts the app in a new empty directory, with an environment of its own, and asks it. */
async function startAndAsk(
  trial: Trial,
  argv: readonly string[],
  at: {
    readonly cwd?: string;
    readonly path?: string;
    readonly prefix?: readonly string[];
    readonly offline?: string;
  },
): Promise<Session> {
  const { app, work, toolchain } = trial;
  const empty = mkdtempSync(join(work, "empty-"));
  const state = mkdtempSync(join(work, "state-"));
  const port = await freePort();
  const fill = (text: string) =>
    text.replaceAll("PORT", String(port)).replaceAll("STATE", state).replaceAll("BESIDE", empty);
  for (const [name, text] of Object.entries(app.beside ?? {})) writeFileSync(join(empty, name), fill(text));
  const given = Object.entries(app.environment ?? {}).map(([name, value]) => [name, fill(value)]);
  const registry = toolchain.environment["npm_config_registry"];
  return await runSession(
    toolchain,
    {
      argv: [...argv, ...(app.arguments ?? []).map(fill)],
      cwd: at.cwd ?? empty,
      environment: {
        PATH: at.path ?? "/usr/bin:/bin",
        HOME: empty,
        PORT: String(port),
        ...(registry === undefined ? {} : { GANTRY_REGISTRY: registry }),
        ...(at.offline === undefined ? {} : { GANTRY_OFFLINE: at.offline }),
        ...Object.fromEntries(given),
      },
      port,
      asks: app.asks,
      patience: app.patience ?? 60,
    },
    at.prefix,
  );
}

/** Why a session did not end with the expected answer, in a line; undefined when it did. */
function complaint({ answered, listening, ended, answer, output }: Session): string | undefined {
  if (answered) return undefined;
  if (ended !== undefined) return `ended (${ended}): ${pickMessage(output)}`;
  if (listening === undefined) return `never listened: ${pickMessage(output)}`;
  return `answered ${JSON.stringify(answer.slice(0, 160))}: ${pickMessage(output)}`;
}

/** The app's program in the release: what is executable and is not gantry's own. */
function findProgram(release: string): string {
  const name = readdirSync(release).find(
    (entry) =>
      existsSync(join(release, "lib/release.json")) &&
      !["gantry", "setup.sh"].includes(entry) &&
      statSync(join(release, entry)).isFile() &&
      (statSync(join(release, entry)).mode & 0o111) !== 0,
  );
  if (name === undefined) throw new Error(`no program in ${release}`);
  return join(release, name);
}

/** A release of plain JavaScript has nothing to vendor. */
function hasModules(release: string): boolean {
  const manifest = JSON.parse(readFileSync(join(release, "lib/release.json"), "utf8")) as { modules: object };
  return Object.keys(manifest.modules).length > 0;
}

async function isThere(trial: Trial, command: string): Promise<boolean> {
  const { output } = await gantry(trial, "--help");
  return new RegExp(`^\\s+${command}\\s`, "m").test(output);
}

/** Start it twice, for the second start is the usual one. Then vendor it, and start a fresh copy without a network. */
async function tryRelease(trial: Trial, release: string, result: Result): Promise<Result> {
  const { log, work } = trial;
  const pristine = join(work, "pristine");
  cpSync(release, pristine, { recursive: true, verbatimSymlinks: true });
  log("start");
  const first = await startAndAsk(trial, [findProgram(release)], {});
  const failed = complaint(first);
  if (failed !== undefined) return { ...result, message: `start: ${failed}` };
  const second = await startAndAsk(trial, [findProgram(release)], {});
  const again = complaint(second);
  if (again !== undefined) return { ...result, message: `second start: ${again}` };
  const ran: Result = {
    ...result,
    reached: "ran",
    bytes: { release: await bytesOf(trial, release), plain: 0 },
    start: { release: second.listening ?? Number.NaN },
  };
  log("vendor, and start without a network");
  rmSync(release, { recursive: true });
  const cpu = arch() === "x64" ? "x64" : "arm64";
  const bundled =
    !hasModules(pristine) || existsSync(join(pristine, "vendor"))
      ? undefined
      : await gantry(trial, "bundle", pristine, "--target", `linux-${cpu}-gnu`);
  if (bundled !== undefined && bundled.status !== 0)
    return { ...ran, message: `bundle: ${pickMessage(bundled.output)}` };
  const prefix = await withoutNetwork();
  const way = prefix === undefined ? { offline: "1" } : { prefix };
  const offline = await startAndAsk(trial, [findProgram(pristine)], way);
  const alone = complaint(offline);
  if (alone !== undefined) return { ...ran, message: `offline: ${alone}` };
  return { ...ran, reached: "offline" };
}

/** The same app as people copy it to a server: its directory with node_modules, and a runtime. */
async function comparePlain(trial: Trial, directory: string, result: Result): Promise<Result> {
  const { app, toolchain, log } = trial;
  const { bytes, start } = result;
  log("plain copy");
  const path = toolchain.environment["PATH"] ?? "";
  if (app.home.prepare !== undefined)
    await run(["sh", "-c", app.home.prepare], {
      cwd: directory,
      environment: toolchain.environment,
      seconds: 1800,
    });
  const argv = ["sh", "-c", `exec ${app.home.start} "$@"`, "sh"];
  const session = await startAndAsk(trial, argv, { cwd: directory, path });
  const atHome = complaint(session);
  if (bytes === undefined || start === undefined)
    return atHome === undefined ? result : { ...result, message: `the plain copy fails too: ${atHome}` };
  const runtime = statSync(app.runtime === "bun" ? toolchain.bun : toolchain.node).size;
  const plain = (await bytesOf(trial, directory)) + runtime;
  const startsAtHome = session.answered && session.listening !== undefined;
  return {
    ...result,
    bytes: { ...bytes, plain },
    start: { ...start, ...(startsAtHome ? { plain: session.listening } : {}) },
  };
}

async function tryBuilt(trial: Trial): Promise<Result> {
  const { app, work, log, toolchain } = trial;
  const made = join(work, "app");
  log("make");
  try {
    await makeApp(app, made, toolchain);
  } catch (error) {
    return {
      name: app.name,
      reached: "nothing",
      init: false,
      message: `making: ${pickMessage(String(error))}`,
    };
  }
  const directory = join(made, app.directory ?? ".");
  const plain = join(work, "plain");
  cpSync(made, plain, { recursive: true, verbatimSymlinks: true });
  const init = await isThere(trial, "init");
  const result: Result = { name: app.name, reached: "made", init };
  if (init) {
    log("gantry init --yes");
    const { status, output } = await gantry(trial, "init", directory, "--yes");
    writeFileSync(join(work, "init.log"), output);
    if (status !== 0) return { ...result, message: `init: ${pickMessage(output)}` };
  }
  log("gantry build");
  const out = join(work, "out");
  mkdirSync(out);
  const before = Date.now();
  const built = await gantry(trial, "build", directory, "--out", out);
  writeFileSync(join(work, "build.log"), built.output);
  if (built.status !== 0) return { ...result, message: pickMessage(built.output) };
  const buildSeconds = Math.round((Date.now() - before) / 1000);
  const names = readdirSync(out);
  const name = names.find((entry) => existsSync(join(out, entry, "lib/release.json"))) ?? "";
  const tried = await tryRelease(trial, join(out, name), { ...result, reached: "built", buildSeconds });
  return await comparePlain(trial, join(plain, app.directory ?? "."), tried);
}

/** @param keep says that the work directory stays, and its path is logged */
export async function tryApp(
  app: App,
  toolchain: Toolchain,
  options: { readonly log: (text: string) => void; readonly keep: "all" | "nothing" },
): Promise<Result> {
  const work = mkdtempSync(join(tmpdir(), `gantry-app-${app.name}-`));
  try {
    return await tryBuilt({ app, toolchain, work, log: options.log });
  } finally {
    if (options.keep === "all") options.log(`kept ${work}`);
    else rmSync(work, { recursive: true, force: true });
  }
}
