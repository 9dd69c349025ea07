/** Node apps whose private copy is installed by the package manager that wrote their lockfile, with what it applies. */
import { readFileSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { readApp } from "../../../../../src/build/app/app.ts";
import { ensureInstalled, type Sources } from "../../../../../src/build/app/sources/sources.ts";
import { readAppLock } from "../../../../../src/build/lockfile/app/app-lockfile.ts";
import { applyPatches } from "../../../../../src/build/package-manager/patch-package.ts";
import { NODE } from "../../../../../scripts/pins.mjs";
import {
  BUN,
  copyFixture,
  findingsOf,
  makeApp,
  SCRATCH,
  writeFiles,
} from "../../../../support/build/scratch.ts";

const opened: Sources[] = [];

afterEach(() => {
  for (const sources of opened.splice(0)) sources.dispose();
});

interface Said {
  readonly info: string[];
  readonly warn: string[];
}

async function install(dir: string, environment: NodeJS.ProcessEnv = process.env): Promise<Said> {
  const said: Said = { info: [], warn: [] };
  const log = {
    info: (text: string) => said.info.push(text),
    warn: (text: string) => said.warn.push(text),
  };
  opened.push(await ensureInstalled(await readApp(dir), BUN, { environment, scratch: SCRATCH, log }));
  return said;
}

/** The text of `ms`, as `debug` loads it in the copy. */
function textOfMs(): string {
  const app = createRequire(join(opened.at(-1)?.appDir ?? "", "index.js"));
  return readFileSync(createRequire(app.resolve("debug")).resolve("ms"), "utf8");
}

/** Changes a patch in the copy, so that it no longer fits. */
async function expectRefusedPatch(): Promise<void> {
  const root = opened.at(-1)?.root ?? "";
  const patch = readFileSync(join(root, "patches/ms+2.1.3.patch"), "utf8");
  writeFiles(root, { "patches/ms+2.1.3.patch": patch.replace("Helpers.", "Something else.") });
  const context = { environment: process.env, where: "the app" };
  expect((await findingsOf(() => applyPatches([root], root, context)))[0]).toMatchObject({
    code: "CONFIG_INVALID",
    what: "patch-package could not apply the app's patches",
    where: "the app",
  });
}

const PATCHED = "// patched by the app";

it.each([
  ["pnpm", "pnpm 10.34.8", "by patchedDependencies"],
  ["yarn4", "yarn 4.18.1", "by the patch: protocol, where node_modules is not the linker"],
])("installs with %s, and keeps overrides and what is patched", async (lock, manager, _how) => {
  const { info, warn } = await install(copyFixture("locks", "owned", lock));
  expect(info.join("\n")).toContain(`installing with ${manager}`);
  expect(warn).toEqual([]);
  expect(textOfMs().startsWith(PATCHED)).toBe(true);
});

it("installs with npm by a lockfile that Bun refuses, and applies patches", async () => {
  const dir = copyFixture("locks", "owned", "npm");
  const { info } = await install(dir);
  expect(info.join("\n")).toContain("installing with npm");
  expect(textOfMs().startsWith(PATCHED)).toBe(true);
  const app = await readApp(dir);
  const [sources] = opened;
  if (sources === undefined) throw new Error("nothing was installed");
  const context = { app, sources, bun: BUN, environment: process.env, scratch: SCRATCH };
  // package.json asks for ^4.4.0; the lockfile was made for 4.4.3, which satisfies it.
  const { lock, warnings } = await readAppLock({ ...context, externals: ["debug"] });
  expect(lock.packages.get("debug")).toMatchObject({ version: "4.4.3" });
  expect(lock.packages.get("ms")).toMatchObject({ version: "2.1.3" });
  expect(warnings).toEqual([expect.stringContaining("Bun cannot convert package-lock.json")]);
  await expectRefusedPatch();
});

it("installs with yarn 1, and keeps its resolutions", async () => {
  const { info } = await install(copyFixture("locks", "owned", "yarn1"));
  expect(info.join("\n")).toContain("installing with yarn 1.22.22");
  const root = opened.at(-1)?.root ?? "";
  expect(JSON.parse(readFileSync(join(root, "node_modules/ms/package.json"), "utf8"))).toMatchObject({
    version: "2.1.2",
  });
});

it("installs with npm by its npm-shrinkwrap.json", async () => {
  const dir = copyFixture("locks", "owned", "npm");
  renameSync(join(dir, "package-lock.json"), join(dir, "npm-shrinkwrap.json"));
  const { info, warn } = await install(dir);
  expect(info.join("\n")).toMatch(/installing with npm .*, by npm-shrinkwrap\.json/);
  expect(warn).toEqual([]);
  expect(textOfMs().startsWith(PATCHED)).toBe(true);
});

it("says in the package manager's own words that a lockfile is out of date", async () => {
  const dir = copyFixture("locks", "owned", "npm");
  const json = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as object;
  writeFiles(dir, { "package.json": { ...json, dependencies: { debug: "4.4.1" } } });
  const [finding] = await findingsOf(() => install(dir));
  expect(finding).toMatchObject({
    code: "CONFIG_INVALID",
    what: "package-lock.json and package.json do not belong together",
    where: join(dir, "package-lock.json"),
  });
  expect(finding?.detail?.join("\n")).toContain("lock file's debug@4.4.3 does not satisfy debug@4.4.1");
});

it("lets Bun install, and says so, where the package manager cannot be had", async () => {
  const dir = copyFixture("apps", "workspace-pnpm");
  const json = JSON.parse(readFileSync(join(dir, "apps/server/package.json"), "utf8")) as object;
  const gantry = { runtime: "node", node: NODE[24], entry: "index.js" };
  writeFiles(dir, { "apps/server/package.json": { ...json, gantry } });
  const empty = makeApp({});
  // npm alone reads these: nothing is fetched, and nothing is in its cache.
  const offline = { npm_config_offline: "true", npm_config_cache: join(empty, "cache") };
  const { warn } = await install(join(dir, "apps/server"), { ...process.env, PATH: empty, ...offline });
  expect(warn).toEqual([expect.stringContaining("pnpm is not here and could not be fetched")]);
});
