/** What other package managers' lockfiles say, and what happens where Bun cannot convert one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseForeignPins } from "../../../../../src/build/lockfile/app/foreign-pins.ts";
import { FIXTURES, findingsOf, writeFiles } from "../../../../support/build/scratch.ts";
import { idsOf, lock, notes } from "../../../../support/build/locking.ts";

const read = (dir: string, path: string): string => readFileSync(join(dir, path), "utf8");

const installed = (directory: string, lockfile: string, version: string): string => {
  const dir = notes(directory, lockfile);
  writeFiles(dir, {
    "node_modules/bcrypt/package.json": {
      name: "bcrypt",
      version,
      dependencies: { "node-gyp-build": "^4.8.4" },
    },
    "node_modules/node-gyp-build/package.json": { name: "node-gyp-build", version: "4.8.4" },
  });
  return dir;
};

describe("a lockfile that Bun cannot convert counts by what is installed from it", () => {
  const locks: [string, string, string][] = [
    ["npm, version 1", "npm1", "package-lock.json"],
    ["pnpm, version 5", "pnpm7", "pnpm-lock.yaml"],
    ["pnpm, version 6", "pnpm8", "pnpm-lock.yaml"],
  ];
  it.each(locks)("%s", async (_label, directory, lockfile) => {
    const written = await lock(installed(directory, lockfile, "6.0.0"), { externals: ["bcrypt"] });
    expect(idsOf(written)).toContain("bcrypt@6.0.0");
    expect(written.warnings).toContainEqual(expect.stringContaining(`Bun cannot convert ${lockfile}`));
  });

  it.each(locks)("%s, but not where the two differ", async (_label, directory, lockfile) => {
    const dir = installed(directory, lockfile, "5.1.1");
    expect((await findingsOf(() => lock(dir, { externals: ["bcrypt"] })))[0]).toMatchObject({
      code: "CONFIG_INVALID",
      what: `bcrypt 5.1.1 is installed, and ${lockfile} does not have that version`,
      where: join(dir, lockfile),
    });
  });
});

describe("parseForeignPins", () => {
  const cases: ["package-lock.json" | "pnpm-lock.yaml" | "yarn.lock", string][] = [
    ["package-lock.json", "npm1"],
    ["package-lock.json", "npm2"],
    ["package-lock.json", "npm3"],
    ["pnpm-lock.yaml", "pnpm7"],
    ["pnpm-lock.yaml", "pnpm8"],
    ["pnpm-lock.yaml", "pnpm9"],
    ["yarn.lock", "yarn1"],
    ["yarn.lock", "yarn4"],
  ];
  it.each(cases)("reads %s of %s", (kind, directory) => {
    const pins = parseForeignPins(kind, read(join(FIXTURES, "locks/notes", directory), kind));
    for (const pin of [
      "libsql@0.5.20",
      "libsql@0.5.29",
      "@node-rs/argon2@2.0.2",
      "ws@8.23.0",
      "@libsql/win32-x64-msvc@0.5.29",
    ]) {
      expect(pins).toContain(pin);
    }
    for (const pin of ["argon@2.0.2", "notes@1.2.3", "ws@8.13.0"]) expect(pins).not.toContain(pin);
  });

  it("has nothing to say of Bun's own", () => {
    expect(parseForeignPins("bun.lock", "{}")).toBeUndefined();
  });
});
