import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readApp } from "../../../../src/build/app/app.ts";
import { copyFixture, FIXTURES, makeApp, writeFiles } from "../../../support/build/scratch.ts";

const IDENTITY = { name: "brain", version: "1.0.0" };
const MAIN = { "src/main.ts": "" };

describe("readApp", () => {
  it("reads the sample app", async () => {
    const dir = join(FIXTURES, "test-brain");
    const app = await readApp(dir);
    expect(app).toMatchObject({
      dir,
      name: "test-brain",
      version: "0.1.0",
      entry: join(dir, "src/main.ts"),
      workspaceRoot: dir,
      lockfile: { kind: "bun.lock", path: join(dir, "bun.lock") },
      settings: {
        binary: "brain",
        optional: ["@matrix-org/matrix-sdk-crypto-nodejs"],
      },
    });
    expect(app.settings.externals).toBeUndefined();
    expect(Object.isFrozen(app) && Object.isFrozen(app.settings)).toBe(true);
  });

  it("needs no settings at all", async () => {
    const dir = makeApp({ "package.json": { name: "@team/brain", version: "1.0.0-rc.1+b" }, "index.js": "" });
    const app = await readApp(dir);
    expect(app.settings.binary).toBe("brain");
    expect(app.entry).toBe(join(dir, "index.js"));
    expect(app.lockfile).toBeUndefined();
  });

  const entries: [string, Record<string, unknown>, string[], { entry: string; binary: string }][] = [
    [
      "gantry.entry",
      { gantry: { entry: "a.ts" }, module: "m.ts" },
      ["a.ts", "m.ts"],
      { entry: "a.ts", binary: "brain" },
    ],
    [
      "the only bin",
      { bin: { think: "./cli.ts" }, main: "m.ts" },
      ["cli.ts", "m.ts"],
      { entry: "cli.ts", binary: "think" },
    ],
    ["bin as a string", { bin: "cli.ts" }, ["cli.ts"], { entry: "cli.ts", binary: "brain" }],
    [
      "the bin that names the binary",
      { bin: { a: "a.ts", b: "b.ts" }, gantry: { binary: "b" } },
      ["a.ts", "b.ts"],
      { entry: "b.ts", binary: "b" },
    ],
    [
      "module before main",
      { module: "m.ts", main: "c.js" },
      ["m.ts", "c.js"],
      { entry: "m.ts", binary: "brain" },
    ],
    [
      "main without an extension",
      { main: "lib/start" },
      ["lib/start.js"],
      { entry: "lib/start.js", binary: "brain" },
    ],
    [
      "a main that is not built yet",
      { main: "dist/main.js" },
      ["src/index.ts"],
      { entry: "src/index.ts", binary: "brain" },
    ],
    [
      "src/main before src/index",
      {},
      ["src/index.ts", "src/main.tsx"],
      { entry: "src/main.tsx", binary: "brain" },
    ],
  ];
  it.each(entries)("finds the entry: %s", async (_label, fields, files, expected) => {
    const dir = makeApp({
      "package.json": { ...IDENTITY, ...fields },
      ...Object.fromEntries(files.map((file) => [file, ""])),
    });
    const app = await readApp(dir);
    expect({ entry: app.entry, binary: app.settings.binary }).toEqual({
      ...expected,
      entry: join(dir, expected.entry),
    });
  });

  it("passes a whole set of settings through", async () => {
    const gantry = {
      binary: "think",
      entry: "src/main.ts",
      runtime: "bun",
      externals: ["@libsql/client", "libsql"],
      optional: ["libsql"],
      include: ["assets"],
      build: {
        defines: { A: '"1"' },
        plugins: ["plugin.ts"],
        workers: ["src/main.ts"],
        sourcemap: "external",
      },
      install: "first-run",
      keep: ["libsql/README.md"],
      exclude: ["libsql/docs/**"],
      activate: ["migrate", "--all"],
      service: {
        user: "brain",
        description: "Thinks",
        type: "notify",
        arguments: ["serve"],
        port: 8080,
        health: "/health",
        directories: ["/srv/notes"],
        memory: "512M",
        tasks: 64,
        healthWindow: 10,
        healthSettle: 20,
        activateTimeout: 60,
        snapshot: true,
        exposure: "local",
        cpu: "50%",
        openFiles: 4096,
        environment: { LANG: "C.UTF-8" },
      },
      requires: ["git"],
      smoke: { arguments: ["serve"], env: { A: "1" }, exit: [0, 3], listens: true, timeout: 20 },
    };
    const dir = makeApp({
      "package.json": { ...IDENTITY, gantry },
      ...MAIN,
      "plugin.ts": "",
      "assets/a.txt": "",
    });
    expect((await readApp(dir)).settings).toEqual(gantry);
  });
});

it.each([
  ["migrate", ["migrate"]],
  ["db  migrate --all", ["db", "migrate", "--all"]],
  [
    ["run", "a b"],
    ["run", "a b"],
  ],
])("takes activate %j as the arguments %j", async (activate, words) => {
  const dir = makeApp({ "package.json": { ...IDENTITY, gantry: { activate } }, ...MAIN });
  expect((await readApp(dir)).settings.activate).toEqual(words);
});

describe("a workspace", () => {
  it.each(["bun", "npm", "pnpm"])("of %s is found upward with its lockfile", async (manager) => {
    const root = copyFixture("apps", `workspace-${manager}`);
    const app = await readApp(join(root, "apps/server"));
    const kinds: Record<string, string> = {
      bun: "bun.lock",
      npm: "package-lock.json",
      pnpm: "pnpm-lock.yaml",
    };
    expect(app.workspaceRoot).toBe(root);
    expect(app.lockfile).toEqual({ kind: kinds[manager], path: join(root, kinds[manager] ?? "") });
  });

  it("above that does not name the app is not the app's", async () => {
    const root = copyFixture("apps", "workspace-bun");
    const dir = join(root, "examples/other");
    writeFiles(dir, { "package.json": IDENTITY, ...MAIN });
    const read = await readApp(dir);
    expect(read.workspaceRoot).toBe(dir);
    expect(read.lockfile).toBeUndefined();
  });

  const choices: [string, string[], string | undefined, string][] = [
    ["Bun's text over the others", ["yarn.lock", "bun.lock", "package-lock.json"], "yarn@4.0.0", "bun.lock"],
    ["the one of packageManager", ["package-lock.json", "pnpm-lock.yaml"], "pnpm@10.0.0", "pnpm-lock.yaml"],
    ["the first without one", ["yarn.lock", "package-lock.json"], undefined, "package-lock.json"],
    [
      "npm's in npm's order",
      ["package-lock.json", "npm-shrinkwrap.json"],
      "npm@11.0.0",
      "npm-shrinkwrap.json",
    ],
  ];
  it.each(choices)("of several lockfiles: %s", async (_label, lockfiles, packageManager, kind) => {
    const json = packageManager === undefined ? IDENTITY : { ...IDENTITY, packageManager };
    const dir = makeApp({
      "package.json": json,
      ...MAIN,
      ...Object.fromEntries(lockfiles.map((name) => [name, ""])),
    });
    expect((await readApp(dir)).lockfile?.kind).toBe(kind);
  });
});
