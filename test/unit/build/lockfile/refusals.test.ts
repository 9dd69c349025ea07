import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { requireBunLock } from "../../../../src/build/app/sources/convert-lockfile.ts";
import { walkClosure } from "../../../../src/build/lockfile/package-closure.ts";
import { checkForeignPins } from "../../../../src/build/lockfile/refusals.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { BUN, FIXTURES, findingsOf, makeApp, writeFiles } from "../../../support/build/scratch.ts";
import { idsOf, jsonOf, lock, notes } from "../../../support/build/locking.ts";

const read = (dir: string, path: string): string => readFileSync(join(dir, path), "utf8");
const edit = (dir: string, path: string, from: string | RegExp, to: string): void => {
  const text = read(dir, path);
  const edited = text.replace(from, to);
  expect(edited).not.toBe(text);
  writeFiles(dir, { [path]: edited });
};

describe("a lockfile is refused", () => {
  it("of version 2 with a Bun that cannot read it", async () => {
    const bun = { ...BUN, version: "1.3.14" };
    const [finding] = await findingsOf(() => lock(notes("bun2", "bun.lock"), { externals: ["libsql"], bun }));
    expect(finding).toMatchObject({
      code: "CONFIG_INVALID",
      what: "bun.lock has version 2, which Bun 1.3.14 cannot read",
      fix: expect.stringMatching(/Bun 1\.4\.0 or newer with --bun/),
    });
  });

  it("of a version from the future", async () => {
    const dir = notes("bun2", "bun.lock");
    edit(dir, "bun.lock", '"lockfileVersion": 2', '"lockfileVersion": 3');
    expect((await findingsOf(() => lock(dir, { externals: ["libsql"] })))[0]?.what).toMatch(
      /version 3; .* up to 2/,
    );
  });

  it.each([
    ["truncated", (text: string) => text.slice(0, text.length / 2), /it ends early or is not JSON/],
    ["empty", () => "", /it ends early or is not JSON/],
    ["without workspaces", () => '{"lockfileVersion": 2}', /"workspaces" is not what Bun writes there/],
    [
      "with an entry that says nothing",
      (text: string) => text.replace('["bcrypt@6.0.0"', '["bcrypt"'),
      /"bcrypt" has no name and version/,
    ],
  ])("%s", async (_label, damage, what) => {
    const dir = notes("bun2", "bun.lock");
    writeFiles(dir, { "bun.lock": damage(read(dir, "bun.lock")) });
    const [finding] = await findingsOf(() => lock(dir, { externals: ["libsql"] }));
    expect(finding).toMatchObject({
      code: "CONFIG_INVALID",
      where: join(dir, "bun.lock"),
      what: expect.stringMatching(what),
    });
  });

  it("that lacks what its own packages need", async () => {
    const dir = notes("bun2", "bun.lock");
    edit(dir, "bun.lock", /^ {4}"detect-libc": \[.*\n/m, "");
    const [finding] = await findingsOf(() => lock(dir, { externals: ["libsql"] }));
    expect(finding).toMatchObject({
      code: "CONFIG_INVALID",
      detail: ["detect-libc 2.0.2, needed by libsql"],
    });
  });

  it("that package.json has left behind, although modules are installed", async () => {
    const dir = notes("bun2", "bun.lock");
    edit(dir, "package.json", '"libsql": "0.5.20"', '"libsql": "0.5.29"');
    const [finding] = await findingsOf(() => lock(dir, { externals: ["libsql"] }));
    expect(finding?.detail).toEqual(["package.json asks for libsql 0.5.29, bun.lock has 0.5.20"]);
  });

  it("of pnpm 8, with the command that writes a newer one", async () => {
    const [finding] = await findingsOf(() =>
      lock(notes("pnpm8", "pnpm-lock.yaml"), { externals: ["libsql"] }),
    );
    expect(finding).toMatchObject({
      code: "CONFIG_INVALID",
      fix: expect.stringContaining("npx pnpm@10 install"),
    });
  });
});

describe("an external is refused", () => {
  it("that nothing depends on, also not in development", async () => {
    const findings = await findingsOf(() =>
      lock(notes("bun2", "bun.lock"), { externals: ["semver", "sharp"] }),
    );
    expect(findings).toEqual([
      expect.objectContaining({ code: "CONFIG_INVALID", what: expect.stringMatching(/^sharp is external/) }),
    ]);
  });

  it("whose installed version is another than the lockfile's", async () => {
    const dir = notes("npm3", "package-lock.json");
    writeFiles(dir, { "node_modules/libsql/package.json": { name: "libsql", version: "0.5.17" } });
    const [finding] = await findingsOf(() => lock(dir, { externals: ["bcrypt", "libsql"] }));
    expect(finding).toEqual({
      code: "CONFIG_INVALID",
      what: "libsql 0.5.17 is installed, but package-lock.json says 0.5.20",
      where: join(dir, "node_modules/libsql"),
      fix: `run "npm install" in ${dir}`,
    });
  });

  it.each([
    [
      "bun's patchedDependencies",
      { "package.json": { patchedDependencies: { "libsql@0.5.20": "patches/x.patch" } } },
    ],
    [
      "pnpm's patchedDependencies",
      { "package.json": { pnpm: { patchedDependencies: { libsql: "patches/x.patch" } } } },
    ],
    [
      "pnpm-workspace.yaml",
      { "pnpm-workspace.yaml": "patchedDependencies:\n  libsql@0.5.20: patches/x.patch\n" },
    ],
    ["patch-package", { "patches/libsql+0.5.20.patch": "" }],
    ["patch-package, of something it needs", { "patches/@neon-rs+load+0.0.4.patch": "" }],
    [
      "yarn's patch protocol",
      { "package.json": { resolutions: { libsql: "patch:libsql@npm:0.5.20#./x.patch" } } },
    ],
  ])("that is patched: %s", async (_label, files: Record<string, unknown>) => {
    const dir = notes("bun2", "bun.lock");
    const { "package.json": fields, ...others } = files;
    const json = { ...(JSON.parse(read(dir, "package.json")) as object), ...(fields as object | undefined) };
    writeFiles(dir, { ...others, "package.json": json });
    const [finding] = await findingsOf(() => lock(dir, { externals: ["libsql"] }));
    expect(finding).toMatchObject({ code: "CONFIG_INVALID", what: expect.stringMatching(/ is patched, /) });
    // A patch of something else is no reason.
    expect((await lock(dir, { externals: ["bcrypt"] })).dependencies).toEqual({ bcrypt: "6.0.0" });
  });

  it("that no registry serves", async () => {
    const dir = makeApp({
      "package.json": { name: "app", version: "1.0.0", dependencies: { local: "file:./local" } },
      "local/package.json": { name: "local", version: "1.0.0", main: "x.node" },
      "index.ts": "",
      "bun.lock": `{
        "lockfileVersion": 1,
        "workspaces": { "": { "name": "app", "dependencies": { "local": "file:./local" } } },
        "packages": { "local": ["local@file:local", {}] },
      }`,
    });
    const [finding] = await findingsOf(() => lock(dir, { externals: ["local"] }));
    expect(finding).toMatchObject({
      code: "CONFIG_INVALID",
      what: "local comes from file:local: a host can fetch only what a registry serves",
    });
  });
});

describe("pins are kept", () => {
  it("against the range that a dependent asks for (overrides)", async () => {
    const dir = notes("bun2", "bun.lock");
    // ws ^8.13.0 is asked for; an override put another major version into the lockfile.
    const text = read(join(FIXTURES, "locks/notes"), "bun2/bun.lock");
    const entry = /^ {4}"ws": \[.*$/m.exec(text)?.[0] ?? "";
    const old = entry
      .replace(/ws@8[^"]*/, "ws@7.5.10")
      .replace(/"sha512-[^"]*"/, `"sha512-${"A".repeat(86)}=="`);
    writeFiles(dir, { "bun.lock": text.replace(entry, old) });
    const written = await lock(dir, { externals: ["@libsql/client"] });
    expect(idsOf(written)).toContain("ws@7.5.10");
    expect(read(written.directory, "bun.lock")).toContain(`sha512-${"A".repeat(86)}==`);
  });

  it("of aliases, with their own name in package.json", async () => {
    const written = await lock(notes("yarn1", "yarn.lock"), { externals: ["argon"] });
    expect(jsonOf(written)["dependencies"]).toEqual({ argon: "npm:@node-rs/argon2@2.0.2" });
    const module = written.closure.find(({ path }) => path === "argon");
    expect(module).toEqual({ path: "argon", name: "@node-rs/argon2", version: "2.0.2", neededBy: ["argon"] });
  });

  it("of the nearest package that is compiled in, and others are said", async () => {
    const written = await lock(notes("bun2", "bun.lock"), { externals: ["libsql"] });
    expect(written.dependencies).toEqual({ libsql: "0.5.20" });
    expect(written.warnings).toEqual([
      expect.stringMatching(/^libsql 0\.5\.20 goes into .* 0\.5\.29 \(for @libsql\/client\)$/),
    ]);
  });

  it("without the peers that the app does without", async () => {
    const dir = notes("bun2", "bun.lock");
    edit(
      dir,
      "bun.lock",
      '["bcrypt@6.0.0", "", { ',
      '["bcrypt@6.0.0", "", { "peerDependencies": { "left-pad": "*" }, ',
    );
    const written = await lock(dir, { externals: ["bcrypt"] });
    expect(idsOf(written)).toEqual(["bcrypt@6.0.0", "node-addon-api@8.9.2", "node-gyp-build@4.8.4"]);
  });

  it("of what is installed when there is no lockfile, with a warning", async () => {
    const dir = notes("bun2", "bun.lock");
    const app = makeApp({ "package.json": JSON.parse(read(dir, "package.json")) as object, "index.ts": "" });
    writeFiles(app, {
      "node_modules/bcrypt/package.json": {
        name: "bcrypt",
        version: "6.0.0",
        dependencies: { "node-addon-api": "^8.3.0", "node-gyp-build": "^4.8.4" },
      },
      "node_modules/node-addon-api/package.json": { name: "node-addon-api", version: "8.3.0" },
      "node_modules/node-gyp-build/package.json": { name: "node-gyp-build", version: "4.8.4" },
    });
    const written = await lock(app, { externals: ["bcrypt"] });
    expect(idsOf(written)).toEqual(["bcrypt@6.0.0", "node-addon-api@8.3.0", "node-gyp-build@4.8.4"]);
    expect(written.warnings).toEqual([expect.stringMatching(/has no lockfile: .* installed here/)]);
  });

  it("with the names of those that need their install scripts", async () => {
    const dir = notes("bun2", "bun.lock");
    mkdirSync(join(dir, "node_modules"));
    writeFiles(dir, {
      "node_modules/bcrypt/package.json": {
        name: "bcrypt",
        version: "6.0.0",
        scripts: { install: "node-gyp-build" },
      },
      "node_modules/libsql/package.json": {
        name: "libsql",
        version: "0.5.20",
        scripts: { postinstall: "node hello.js" },
      },
      "node_modules/libsql/hello.js": "console.log('thank you for installing')",
    });
    const written = await lock(dir, { externals: ["bcrypt", "libsql"] });
    expect(jsonOf(written)).toMatchObject({
      trustedDependencies: ["bcrypt"],
      allowScripts: { bcrypt: true },
    });
  });

  it("of an app whose path has spaces", async () => {
    const dir = notes("npm3", "package-lock.json");
    const spaced = join(dir, "my app");
    writeFiles(spaced, {
      "package.json": read(dir, "package.json"),
      "package-lock.json": read(dir, "package-lock.json"),
      "index.ts": "",
    });
    expect((await lock(spaced, { externals: ["bcrypt"] })).dependencies).toEqual({ bcrypt: "6.0.0" });
  });
});

describe("checkForeignPins", () => {
  const pinned = requireBunLock(
    JSON.stringify({
      lockfileVersion: 2,
      workspaces: { "": { name: "app", dependencies: { a: "^1.0.0" } } },
      packages: { a: ["a@1.0.1", "", {}, "sha512-x"] },
    }),
    "yarn.lock",
  );
  const closure = walkClosure(pinned, ["a"], parseTarget("linux-x64-gnu"));
  const check = (pins: readonly string[], added: readonly string[]): void =>
    checkForeignPins(
      { lock: pinned, workspace: "", where: "yarn.lock", foreign: new Set(pins), warnings: [] },
      closure,
      new Set(added),
    );

  it("refuses a version that the original does not list", async () => {
    const [finding] = await findingsOf(() => check(["a@1.0.0"], []));
    expect(finding).toMatchObject({ code: "CONFIG_INVALID", where: "yarn.lock", detail: ["a@1.0.1"] });
  });

  it("accepts listed ones, and those that were knowingly added", () => {
    expect(() => check(["a@1.0.1"], [])).not.toThrow();
    expect(() => check([], ["a@1.0.1"])).not.toThrow();
  });
});
