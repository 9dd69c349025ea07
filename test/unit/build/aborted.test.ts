/**
 * Real builds that are aborted while a tool of theirs hangs and does not listen to SIGTERM: the app's own build script,
 * its package manager, Bun, and the app itself at the end. No process and no file is left.
 */
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildRelease, createLog, createScratch } from "../../../src/index.ts";
import { BUN_PATH, makeApp, makeDirectory } from "../../support/build/scratch.ts";

/** Tells that it runs, and then neither ends nor listens to SIGTERM. */
const HANGS = `import { writeFileSync } from "node:fs";
process.on("SIGTERM", () => {});
writeFileSync(process.env.ABORT_MARK, "");
setInterval(() => {}, 1000);
`;
const NODE_APP = {
  name: "app",
  version: "1.0.0",
  type: "module",
  gantry: { runtime: "node", entry: "dist/main.js" },
};
const BUN_APP = { name: "app", version: "1.0.0", gantry: { entry: "main.ts" } };

let registry = "";
let asked: () => void = () => undefined;
/** Takes every request, and answers none. */
const silent = createServer(() => asked());
beforeAll(async () => {
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  registry = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
});
afterAll(() => {
  silent.closeAllConnections();
  silent.close();
});

const integrity = `sha512-${"A".repeat(86)}==`;
const locked = (): Record<string, unknown> => ({
  name: "app",
  version: "1.0.0",
  lockfileVersion: 3,
  packages: {
    "": { name: "app", version: "1.0.0", dependencies: { left: "1.0.0" } },
    "node_modules/left": { version: "1.0.0", resolved: `${registry}/left/-/left-1.0.0.tgz`, integrity },
  },
});

const APPS: Readonly<Record<string, () => Readonly<Record<string, unknown>>>> = {
  "the app's own build script": () => ({
    "package.json": { ...NODE_APP, scripts: { build: "node hangs.mjs & node hangs.mjs" } },
    "hangs.mjs": HANGS,
  }),
  "the package manager": () => ({
    "package.json": {
      ...NODE_APP,
      dependencies: { left: "1.0.0" },
      gantry: { ...NODE_APP.gantry, entry: "main.js" },
    },
    "package-lock.json": locked(),
    "main.js": "",
  }),
  "Bun, which compiles": () => ({
    "package.json": { ...BUN_APP, gantry: { ...BUN_APP.gantry, build: { plugins: ["./hangs.mjs"] } } },
    "main.ts": "",
    "hangs.mjs": `${HANGS}await new Promise(() => {});\n`,
  }),
  "the app, which is started": () => ({
    "package.json": {
      ...BUN_APP,
      gantry: { ...BUN_APP.gantry, smoke: { listens: false, timeout: 600, env: { ABORT_MARK: "MARK" } } },
    },
    "main.ts": HANGS,
  }),
};

/** Processes whose environment has this text. */
function processesWith(text: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "latin1").includes(text);
    } catch {
      return false;
    }
  });
}

it.each(Object.keys(APPS))("leaves nothing when aborted while %s hangs", async (name) => {
  const mark = join(makeDirectory(), "mark");
  const files = JSON.parse(
    JSON.stringify(APPS[name]?.()).replaceAll('"MARK"', JSON.stringify(mark)),
  ) as object;
  const appDir = makeApp({ ...files });
  const before = readdirSync(appDir);
  const own = createScratch();
  const made: string[] = [];
  const keep = (directory: string): string => {
    made.push(directory);
    return directory;
  };
  const scratch = {
    ...own,
    makePrivate: () => keep(own.makePrivate()),
    makeBeside: (parent: string) => keep(own.makeBeside(parent)),
  };
  const controller = new AbortController();
  asked = () => controller.abort(new Error("enough"));
  const out = join(makeDirectory(), "releases");
  const building = buildRelease({
    appDir,
    out,
    targets: [],
    bun: BUN_PATH,
    environment: { ...process.env, ABORT_MARK: mark, npm_config_registry: registry },
    log: createLog({ format: "plain", level: "silent", write: () => undefined }),
    scratch,
    signal: controller.signal,
  });
  const failed = building.then(
    () => "it ended well",
    (error: unknown) => String(error),
  );
  const state = { over: false };
  void failed.then(() => (state.over = true));
  while (!existsSync(mark) && !state.over) await sleep(20);
  controller.abort(new Error("enough"));
  expect(await failed).toBe("Error: enough");
  expect(processesWith(mark)).toEqual([]);
  expect(made.filter((directory) => existsSync(directory))).toEqual([]);
  expect(existsSync(out)).toBe(false);
  expect(readdirSync(appDir)).toEqual(before);
});
