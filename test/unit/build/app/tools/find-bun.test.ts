import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, linkSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { findBun } from "../../../../../src/build/app/tools/find-bun.ts";
import {
  BUN_PATH,
  findingsOf,
  makeApp,
  makeDirectory,
  writeFiles,
} from "../../../../support/build/scratch.ts";

const version = execFileSync(BUN_PATH, ["--version"], { encoding: "utf8" }).trim();
const revision = execFileSync(BUN_PATH, ["--revision"], { encoding: "utf8" }).trim();
const PLACEHOLDER = 'echo "Error: Bun\'s postinstall script was not run." >&2\nexit 1\n';
const PLATFORM = `bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;

/** Puts the real executable somewhere else without copying its hundred megabytes, where the file system can. */
function place(path: string): string {
  mkdirSync(join(path, ".."), { recursive: true });
  try {
    linkSync(BUN_PATH, path);
  } catch {
    copyFileSync(BUN_PATH, path);
  }
  return path;
}

describe("findBun", () => {
  it("takes the named one first", async () => {
    const dir = makeDirectory();
    const bun = await findBun({ dir }, { named: BUN_PATH, environment: {} });
    expect(bun).toEqual({ path: BUN_PATH, version, revision });
  });

  it("takes the app's own, upward from the app, before the PATH", async () => {
    const dir = makeApp({ "node_modules/bun/package.json": { name: "bun" }, "apps/a/package.json": {} });
    const own = place(join(dir, "node_modules/bun/bin/bun.exe"));
    const other = makeDirectory();
    place(join(other, "bun"));
    const bun = await findBun({ dir: join(dir, "apps/a") }, { environment: { PATH: other } });
    expect(bun.path).toBe(own);
  });

  it("sees through npm's placeholder to the platform package", async () => {
    const dir = makeApp({ "node_modules/bun/package.json": {}, "node_modules/bun/bin/bun.exe": PLACEHOLDER });
    chmodSync(join(dir, "node_modules/bun/bin/bun.exe"), 0o755);
    const real = place(join(dir, "node_modules/@oven", PLATFORM, "bin/bun"));
    expect((await findBun({ dir }, { environment: {} })).path).toBe(real);
  });

  it("finds the platform package in pnpm's store, beside the real place of the package", async () => {
    const store = "node_modules/.pnpm/bun@1.4.5/node_modules";
    const dir = makeApp({ [`${store}/bun/package.json`]: {}, [`${store}/bun/bin/bun.exe`]: PLACEHOLDER });
    symlinkSync(join(dir, store, "bun"), join(dir, "node_modules/bun"));
    const real = place(join(dir, store, "@oven", PLATFORM, "bin/bun"));
    expect((await findBun({ dir }, { environment: {} })).path).toBe(real);
  });

  it("falls back to the PATH, and runs nothing from relative entries of it", async () => {
    const folder = makeDirectory();
    const path = place(join(folder, "bun"));
    const dir = makeDirectory();
    expect((await findBun({ dir }, { environment: { PATH: `:.:relative:${folder}` } })).path).toBe(path);
  });

  it("says what it looked at when there is none", async () => {
    const folder = makeApp({ bun: '#!/bin/sh\necho "1.4.5"\n' });
    chmodSync(join(folder, "bun"), 0o755);
    const findings = await findingsOf(() =>
      findBun({ dir: makeDirectory() }, { environment: { PATH: folder } }),
    );
    expect(findings[0]).toMatchObject({
      code: "CONFIG_INVALID",
      what: "no Bun was found in the app's node_modules or on the PATH",
      detail: [expect.stringMatching(/it is not Bun itself but a script/)],
      fix: expect.stringMatching(/npm install --save-dev bun\).*--bun PATH/),
    });
  });

  const wrong: [string, (dir: string) => string, RegExp][] = [
    ["nothing", (dir) => join(dir, "bun"), /there is no such file/],
    ["a directory", (dir) => dir, /not an executable file/],
    [
      "a program of another kind",
      () => process.execPath,
      /does not answer --revision as Bun does|does not answer --version as Bun does/,
    ],
  ];
  it.each(wrong)("refuses --bun that names %s", async (_label, path, detail) => {
    const dir = makeDirectory();
    const named = path(dir);
    const findings = await findingsOf(() => findBun({ dir }, { named, environment: {} }));
    expect(findings[0]).toMatchObject({ what: "--bun names no Bun that runs here", where: named });
    expect(findings[0]?.detail?.[0]).toMatch(detail);
  });

  describe("with a Bun of another version", () => {
    let old = "";
    // A real executable of Bun's size and kind that says it is older: what an outdated Bun looks like from outside.
    beforeAll(() => {
      const dir = makeDirectory();
      writeFiles(dir, {
        "old.js": 'console.log(process.argv.includes("--revision") ? "1.3.6+abc" : "1.3.6");',
      });
      old = join(dir, "old");
      execFileSync(BUN_PATH, ["build", "--compile", join(dir, "old.js"), `--outfile=${old}`], { cwd: dir });
    });

    it("refuses one that is too old, and fetches one for an app that it does not go into", async () => {
      const findings = await findingsOf(() =>
        findBun({ dir: makeDirectory() }, { named: old, environment: {} }),
      );
      expect(findings[0]).toMatchObject({
        code: "CONFIG_INVALID",
        what: "Bun 1.3.6 is too old: gantry needs 1.3.7 or newer",
        where: old,
      });

      const folder = makeDirectory();
      linkSync(old, join(folder, "bun"));
      const asked: string[] = [];
      const fetch = async () => {
        asked.push("fetch");
        return BUN_PATH;
      };
      const app = { dir: makeDirectory() };
      const environment = { PATH: folder };
      const bun = await findBun(app, { environment, runtime: "node", fetch });
      expect(bun.path).toBe(BUN_PATH);
      await findBun(app, { named: BUN_PATH, environment: {}, fetch });
      const named = await findingsOf(() => findBun(app, { named: old, environment: {}, fetch }));
      expect(named[0]?.what).toMatch(/1\.3\.6 is too old/);
      // An app that runs on Bun would ship another one than its own.
      const own = await findingsOf(() => findBun(app, { environment, runtime: "bun", fetch }));
      expect(own[0]?.what).toMatch(/1\.3\.6 is too old/);
      expect(asked).toEqual(["fetch"]);
    });
  });
});
