import { spawnSync } from "node:child_process";
import { constants, copyFileSync, existsSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { beforeEach, describe, expect, it } from "vitest";
import { parseProbeOutput } from "../../../../../src/release/start/probe-protocol.ts";
import { makeDirectory, writeFiles } from "../../../../support/build/scratch.ts";

/** A real one: that of the test runner's own bundler for this machine. */
const NATIVE = createRequire(import.meta.url).resolve(`@rolldown/binding-linux-${process.arch}-gnu`);
const SOURCE = join(import.meta.dirname, "../../../../../src/build/node/start/preload.ts");

/** Packages as they are found in the wild: one for each way that Node has to look for an entry. */
const PACKAGES = {
  "plain/package.json": { name: "plain", version: "1.0.0", main: "lib/main.js" },
  "plain/lib/main.js": "exports.kind = 'cjs'; exports.inner = require('inner').where;",
  "plain/lib/index.js": "exports.kind = 'directory';",
  "plain/node_modules/inner/index.js": "exports.where = 'nested';",
  "inner/index.js": "exports.where = 'top';",
  "modern/package.json": {
    name: "modern",
    version: "1.0.0",
    type: "module",
    exports: { ".": { import: "./index.js" }, "./part": "./part.js" },
  },
  "modern/index.js": "import inner from 'inner'; export const kind = 'esm ' + inner.where;",
  "modern/part.js": "export const kind = 'part';",
  "@scope/dual/package.json": {
    name: "@scope/dual",
    version: "1.0.0",
    exports: { import: "./index.mjs", require: "./index.cjs" },
  },
  "@scope/dual/index.mjs": "export const kind = 'dual esm';",
  "@scope/dual/index.cjs": "exports.kind = 'dual cjs';",
  "only-require/package.json": {
    name: "only-require",
    version: "1.0.0",
    exports: { require: "./index.cjs" },
  },
  "only-require/index.cjs": "exports.kind = 'require';",
  "broken/index.js": "throw new TypeError('as expected');",
};
const APP = {
  "package.json": { type: "module" },
  "index.js": `
    import { createRequire } from "node:module";
    import plain from "plain";
    import { kind as modern } from "modern";
    import { kind as part } from "modern/part";
    import { kind as dual } from "@scope/dual";
    import { Worker } from "node:worker_threads";
    import { fork } from "node:child_process";
    const require = createRequire(import.meta.url);
    const fromWorker = await new Promise((resolve, reject) =>
      new Worker(new URL("./worker.js", import.meta.url)).on("message", resolve).on("error", reject));
    const fromFork = await new Promise((resolve) => fork(new URL("./fork.js", import.meta.url)).on("message", resolve));
    console.log(JSON.stringify({
      plain, modern, part, dual, required: require("./old.cjs"), lazy: (await import("plain")).default.kind,
      fromWorker, fromFork, env: Object.keys(process.env).filter((name) => name.startsWith("GANTRY_")),
    }));`,
  "old.cjs":
    "module.exports = [require('plain').inner, require('@scope/dual').kind, require.resolve('inner')];",
  "worker.js":
    "import { parentPort } from 'node:worker_threads'; import p from 'plain'; parentPort.postMessage(p.kind);",
  "fork.js": "import { kind } from 'modern'; process.send(kind, () => process.disconnect());",
};

let release = "";
let modules = "";
beforeEach(async () => {
  release = makeDirectory();
  modules = join(release, "node_modules");
  writeFiles(join(release, "lib/app"), APP);
  writeFiles(modules, PACKAGES);
  const outfile = join(release, "lib/preload.cjs");
  await build({
    entryPoints: [SOURCE],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    logLevel: "error",
  });
});

const node = (args: readonly string[], env: Record<string, string> = {}) => {
  const result = spawnSync(process.execPath, args, {
    encoding: "utf8",
    cwd: join(release, ".."),
    env: { PATH: "/usr/bin:/bin", ...env },
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
};
const startApp = (env?: Record<string, string>) =>
  node(["--require", join(release, "lib/preload.cjs"), join(release, "lib/app/index.js")], env);
const expected = (place: string) => ({
  plain: { kind: "cjs", inner: "nested" },
  modern: "esm top",
  part: "part",
  dual: "dual esm",
  required: ["nested", "dual cjs", join(place, "inner/index.js")],
  lazy: "cjs",
  fromWorker: "cjs",
  fromFork: "esm top",
  env: [],
});

describe("an app", () => {
  it("finds its packages beside it", () => {
    const result = startApp({ GANTRY_MODULES: modules, NODE_PATH: modules });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(result.stdout)).toEqual(expected(modules));
  });

  it("finds them in a tree elsewhere, in workers and forks, not above the release", () => {
    const store = join(makeDirectory(), "node_modules");
    renameSync(modules, store);
    // A package of the same name that a plain walk upwards would meet.
    writeFiles(join(release, "lib/node_modules/plain"), { "index.js": "exports.kind = 'planted';" });
    const result = startApp({ GANTRY_MODULES: store, NODE_PATH: store });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(result.stdout)).toMatchObject({
      modern: "esm top",
      fromFork: "esm top",
      dual: "dual esm",
    });
    expect((JSON.parse(result.stdout) as { lazy: string }).lazy).toBe("cjs");
  });

  it("finds a package that its build put nearer before that of the tree", () => {
    const store = join(makeDirectory(), "node_modules");
    renameSync(modules, store);
    const nearer = join(release, "lib/app/node_modules");
    writeFiles(nearer, { "plain/index.js": "exports.kind = 'nearer';" });
    writeFiles(join(release, "lib/app"), {
      "index.js": `import plain from "plain"; import { kind } from "modern"; import { createRequire } from "node:module";
        console.log(plain.kind, kind, createRequire(import.meta.url)("plain").kind);`,
    });
    const result = startApp({ GANTRY_MODULES: store, NODE_PATH: store });
    expect(result).toMatchObject({ code: 0, stderr: "", stdout: "nearer esm top nearer\n" });
  });

  it("is reached through a link", () => {
    const link = join(makeDirectory(), "current");
    symlinkSync(release, link);
    const place = join(link, "node_modules");
    const args = ["--require", join(link, "lib/preload.cjs"), join(link, "lib/app/index.js")];
    const result = node(args, { GANTRY_MODULES: place, NODE_PATH: place });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(result.stdout)).toEqual(expected(modules));
  });

  it("does not see its own program among the directories of packages", () => {
    const program = join(release, "lib/node");
    copyFileSync(process.execPath, program, constants.COPYFILE_FICLONE);
    writeFiles(release, {
      "lib/app/index.js": `import { globalPaths } from "node:module";
        import { existsSync, readdirSync } from "node:fs";
        for (const path of globalPaths) if (existsSync(path)) readdirSync(path);`,
    });
    const args = ["--require", join(release, "lib/preload.cjs"), join(release, "lib/app/index.js")];
    const result = spawnSync(program, args, { env: { HOME: release }, encoding: "utf8" });
    expect(result).toMatchObject({ status: 0, stderr: "" });
  });

  it("gets .env beside the release as data, once", () => {
    writeFiles(release, { ".env": "A=$(touch owned)\nB=file\nNODE_OPTIONS=--nonsense\nLD_PRELOAD=/evil\n" });
    writeFiles(join(release, "lib/app"), {
      "index.js": `import { Worker } from "node:worker_threads";
        await new Promise((resolve) => new Worker("0", { eval: true }).on("exit", resolve));
        console.log(JSON.stringify([process.env.A, process.env.B, process.env.LD_PRELOAD ?? null]));`,
    });
    const result = startApp({ B: "environment" });
    expect(JSON.parse(result.stdout)).toEqual(["$(touch owned)", "environment", null]);
    expect(result.stderr.trim().split("\n").toSorted()).toEqual([
      "gantry: .env: LD_PRELOAD is not taken from this file",
      "gantry: .env: NODE_OPTIONS is not taken from this file",
    ]);
    expect(existsSync(join(release, "../owned"))).toBe(false);
  });

  it.each([
    ["production when nothing is", {}, "", "production"],
    ["by .env", {}, "NODE_ENV=staging\n", "staging"],
    ["by the environment before .env", { NODE_ENV: "test" }, "NODE_ENV=staging\n", "test"],
    ["by an empty value", { NODE_ENV: "" }, "", ""],
  ])("has the NODE_ENV that is told: %s", (_when, given, file, expectedValue) => {
    writeFiles(release, {
      ".env": file,
      "lib/app/index.js": "process.stdout.write(process.env.NODE_ENV);",
    });
    expect(startApp(given)).toMatchObject({ code: 0, stderr: "", stdout: expectedValue });
  });

  it("starts when .env cannot be read", () => {
    mkdirSync(join(release, ".env"));
    const result = startApp({ GANTRY_MODULES: modules });
    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(/gantry: \.env: cannot be read \(EISDIR\)/);
  });
});

const probe = (specifiers: readonly string[], place: string) => {
  const env = { GANTRY_PROBE: JSON.stringify({ nonce: "n", specifiers }), GANTRY_MODULES: place };
  const result = node(["--no-warnings", join(release, "lib/preload.cjs")], env);
  const answers = parseProbeOutput(result.stdout, "n").filter(({ state }) => state !== "loading");
  return { code: result.code, stderr: result.stderr, answers };
};

describe("the probe", () => {
  it("loads as an import would, from any tree, also what only require finds", () => {
    const work = join(makeDirectory(), "node_modules");
    renameSync(modules, work);
    const specifiers = ["plain", "modern/part", "@scope/dual", "only-require", "plain/lib", "plain/lib/main"];
    expect(probe(specifiers, work)).toEqual({
      code: 0,
      stderr: "",
      answers: specifiers.map((specifier) => ({ specifier, state: "loaded" })),
    });
  });

  it("tells what fails and goes on", () => {
    const { code, answers } = probe(["missing", "broken", "plain"], modules);
    expect(code).toBe(0);
    expect(answers).toMatchObject([
      { specifier: "missing", state: "failed", message: expect.stringContaining("missing") as string },
      { specifier: "broken", state: "failed", name: "TypeError", message: "as expected" },
      { specifier: "plain", state: "loaded" },
    ]);
  });
});

const probeLate = (files: readonly (readonly string[])[]) => {
  const env = {
    GANTRY_PROBE: JSON.stringify({ nonce: "n", specifiers: ["late"], files }),
    GANTRY_MODULES: modules,
  };
  const result = node(["--no-warnings", join(release, "lib/preload.cjs")], env);
  return parseProbeOutput(result.stdout, "n").filter(({ state }) => state !== "loading");
};
const late = (name: string) => join(modules, "late/build/Release", name);

describe("the probe of a package that loads its native file late", () => {
  beforeEach(() => {
    writeFiles(modules, {
      "late/index.js": "module.exports = () => require('./build/Release/late.node');",
      "late/build/Release/broken.node": "no native code",
    });
    copyFileSync(NATIVE, late("late.node"));
  });

  it("loads one of its files", () => {
    expect(probeLate([[late("broken.node"), late("late.node")]])).toMatchObject([
      { specifier: "late", state: "loaded" },
      { specifier: late("broken.node"), state: "loaded" },
    ]);
  });

  it("tells when none loads, though the import did", () => {
    expect(probeLate([[late("broken.node")]])).toMatchObject([
      { state: "loaded" },
      { state: "failed", message: expect.stringMatching(/broken\.node/) as string },
    ]);
  });

  it("is content with what the import has loaded", () => {
    writeFiles(modules, { "late/index.js": "require('./build/Release/late.node');" });
    // The other file would not load: nobody asks.
    expect(probeLate([[late("broken.node"), late("late.node")]]).map(({ state }) => state)).toEqual([
      "loaded",
      "loaded",
    ]);
  });
});
