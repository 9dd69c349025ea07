/** The start at the end of a build, with real releases: one app for every way to behave, and the sample. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createScratch } from "../../src/build/scratch.ts";
import { isolationOnce, startRelease, type StartOutcome } from "../../src/build/smoke/index.ts";
import { parseSettings } from "../../src/build/app/settings/index.ts";
import { parseManifest, parseTarget } from "../../src/release/index.ts";
import { GantryError } from "../../src/base/errors.ts";
import { createLog } from "../../src/base/log.ts";
import { BUN, runCli } from "../support/app/cli.ts";
import { copyRelease } from "../support/app/release.ts";

const APP = `
import { spawn } from "node:child_process";
import { dirname } from "node:path";
const [how] = process.argv.slice(2);
const hang = () => setInterval(() => {}, 1000);
const absent = "not-" + "there";
const ways: Record<string, () => unknown> = {
  listen: () => Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("x") }),
  print: () => console.log("1.0.0"),
  configuration: () => { console.error("DATABASE_URL is missing"); process.exit(1); },
  module: () => import(absent),
  caught: () => import(absent).catch(console.error),
  file: () => Bun.file(new URL("../public/index.html", import.meta.url)).text(),
  crash: () => process.kill(process.pid, "SIGSEGV"),
  hang,
  fork: () => { spawn("/bin/sleep", ["4242"], { detached: true, stdio: "ignore" }); hang(); },
  look: () => { console.log([process.cwd(), process.env.PATH, ...Object.keys(process.env)].join()); process.exit(7); },
  write: async () => { await Bun.write(dirname(process.execPath) + "/mark", "x"); },
};
await (ways[how ?? "listen"] as () => unknown)();
`;

let work = "";
let release = "";
/** The checksums of its files, as built. */
let built = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "gantry-smoke-"));
  const app = join(work, "app");
  mkdirSync(app);
  const gantry = { entry: "main.ts", smoke: { arguments: ["module"] } };
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "starter", version: "1.0.0", gantry }));
  writeFileSync(join(app, "main.ts"), APP);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const build = (...more: string[]) =>
  runCli(work, ["build", "app", "--bun", BUN, "--out", "out", ...more], { NODE_ENV: "test" });

describe("a build", () => {
  it("fails with the app's own words when its release does not start", () => {
    const { status, stdout, stderr } = build();
    expect({ status, stdout }).toEqual({ status: 69, stdout: "" });
    expect(stderr).toMatch(
      /SMOKE_FAILED: the finished release does not start \(linux-\S+, no modules\): .* the module not-there is not in the release\n {2}file {2}starter-v1\.0\.0-linux-\S+\/starter module\n/,
    );
    expect(stderr).toMatch(/^ {8}ResolveMessage: Cannot find package 'not-there'/m);
    expect(stderr).toMatch(/^ {2}fix {3}.*--no-smoke/m);
    expect(existsSync(join(work, "out"))).toBe(false);
  });

  it("says that it did not start it", () => {
    const { status, stdout, stderr } = build("--no-smoke", "--no-archive");
    expect(status).toBe(0);
    expect(stderr).toMatch(/^started: no \(--no-smoke\)$/m);
    [release = ""] = stdout.split("\n");
    built = sums(release);
  });
});

/** Starts a release as a build does. */
async function start(
  from: string,
  smoke: Record<string, unknown>,
  others: Record<string, unknown> = {},
): Promise<readonly StartOutcome[]> {
  const { settings } = parseSettings({ ...others, smoke }, "package.json");
  if (settings === undefined) throw new Error("the settings of the test are wrong");
  const manifest = parseManifest(readFileSync(join(from, "lib/release.json"), "utf8"), from);
  const target = parseTarget(manifest.target);
  const stage = mkdtempSync(join(work, "stage-"));
  const scratch = createScratch();
  try {
    const started = await startRelease(
      {
        app: { settings },
        isolation: isolationOnce(),
        host: target,
        environment: process.env,
        scratch,
        log: createLog({ format: "plain", level: "silent", write: () => undefined }),
      },
      {
        target,
        stage,
        release: from,
        name: basename(from),
        treeDirectory: join(stage, "tree"),
        program: { path: undefined },
      },
      manifest,
    );
    return started.state === "started" ? started.starts : [];
  } finally {
    scratch.removeAll();
    rmSync(stage, { recursive: true });
  }
}

const sums = (directory: string): string =>
  execFileSync("sh", ["-c", "find . | sort; find . -type f -exec sha256sum {} + | sort"], {
    cwd: directory,
    encoding: "utf8",
  });

/** The words that a start fails with, and all of the app's. */
async function failure(how: string): Promise<string> {
  try {
    return JSON.stringify(await start(release, { arguments: [how] }));
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    return [error.findings[0].what, ...(error.findings[0].detail ?? [])].join("\n");
  }
}

describe("an app", () => {
  it.each([
    ["listen", { outcome: "listening", address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) }],
    ["print", { outcome: "exited", exit: 0 }],
    ["configuration", { outcome: "exited", exit: 1, said: "DATABASE_URL is missing" }],
    ["fork", { outcome: "running" }],
    ["write", { outcome: "exited", exit: 0 }],
  ])("that does this is right: %s", async (how, outcome) => {
    expect(await start(release, { arguments: [how], timeout: how === "fork" ? 4 : 60 })).toMatchObject([
      { way: "no modules", ...outcome },
    ]);
    expect(execFileSync("sh", ["-c", "ps -eo args | grep -c '[s]leep 4242' || :"]).toString()).toBe("0\n");
  });

  it.each([
    ["caught", /the module not-there is not in the release/],
    ["file", /the file lib\/public\/index\.html is not in the release/],
    ["crash", /was ended by SIGSEGV/],
  ])("that does this fails: %s", async (how, what) => {
    expect(await failure(how)).toMatch(what);
  });

  it("gets an empty directory and an empty environment", async () => {
    const [seen] = await start(release, { arguments: ["look"], env: { OWN: "x" } });
    const [cwd = "", path, ...variables] = (seen?.said ?? "").split(",");
    const shell = new Set(["GANTRY_MODULES", "NODE_PATH", "OLDPWD", "PWD", "SHLVL", "_"]);
    const names = variables.filter((name) => !shell.has(name));
    expect(names.toSorted()).toEqual(["HOME", "OWN", "PATH", "STATE_DIRECTORY", "TMPDIR"]);
    expect(path).toBe("/usr/bin:/bin");
    expect(existsSync(cwd)).toBe(false);
    expect(cwd).not.toContain(work);
  });

  it("gets what its service will have", async () => {
    const service = { port: 4712, environment: { MODE: "x" }, workingDirectory: "release" };
    const [seen] = await start(release, { arguments: ["look"] }, { service });
    const [cwd = "", , ...variables] = (seen?.said ?? "").split(",");
    expect(cwd).toMatch(/\/starter-v1\.0\.0-linux-[^/]+$/);
    expect(variables).toEqual(expect.arrayContaining(["PORT", "MODE"]));
  });

  it("leaves the release as it was built", () => {
    expect(sums(release)).toBe(built);
  });
});

it("a release with modules is started from the registry, and left without them", async () => {
  const sample = copyRelease(work);
  const before = sums(sample);
  const [online] = await start(sample, { arguments: ["serve"], env: { PORT: "4687" }, timeout: 60 });
  expect(online).toMatchObject({ way: "registry", outcome: "listening" });
  expect(online?.address).toMatch(/:4687$/);
  expect(sums(sample)).toBe(before);
});
