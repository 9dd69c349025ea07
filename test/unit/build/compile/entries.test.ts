/**
 * The prelude in front of an entry changes nothing that the entry can see but its place: every kind of entry is compiled
 * twice, plainly by Bun's own command line and by gantry, and prints the same. Plus what a compile refuses.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { GantryError } from "../../../../src/base/errors.ts";
import { parseProbeOutput } from "../../../../src/release/start/probe-protocol.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { readFileEntry } from "../../../../src/release/tree.ts";
import { BUN, FIXTURE, makeWorkbench, runProgram } from "../../../support/build/workbench.ts";
import { partOf } from "../../../support/wide-table.ts";

const bench = makeWorkbench();
afterAll(() => bench.remove());

const REPORT = `console.log(JSON.stringify({
  main: import.meta.main, bunMain: Bun.main, argv: process.argv, execArgv: process.execArgv,
  url: import.meta.url, dir: import.meta.dir, file: import.meta.file,
}));`;
const COMMON_JS_REPORT = `console.log(JSON.stringify({
  main: require.main === module, bunMain: Bun.main, argv: process.argv, execArgv: process.execArgv,
  exports: typeof module.exports, file: typeof __filename,
}));`;

const ENTRIES: Readonly<Record<string, string>> = {
  "plain.ts": `const text: string = "typed"; ${REPORT}`,
  "shebang.ts": `#!/usr/bin/env bun\nimport { basename } from "node:path";\n${REPORT}\nbasename("x");`,
  "strict.js": `"use strict";\n${REPORT}`,
  "await.mjs": `await Promise.resolve();\n${REPORT}`,
  "element.tsx": `/** @jsxRuntime classic */ /** @jsx h */ const h = (name: string) => name; const box = <div />;\n${REPORT}\nexport { box };`,
  "required.cjs": `const { join } = require("node:path");\n${COMMON_JS_REPORT}\nif (join) return;\nthrow 1;`,
  "common.js": `"use strict";\nconst path = require("node:path");\n${COMMON_JS_REPORT}\nexports.path = path;`,
};

describe("the app's entry", () => {
  test.each(partOf("kinds of entry", Object.keys(ENTRIES), 3))(
    "%s sees what it sees in a plain compile, and its own place",
    async (name) => {
      const entry = join(bench.write("entries", { [name]: ENTRIES[name] ?? "" }), name);
      const plain = join(bench.root, "plain/brain");
      const compiled = join(bench.root, "release/lib/brain");
      mkdirSync(dirname(plain), { recursive: true });
      execFileSync(BUN, ["build", "--compile", "--format=esm", `--outfile=${plain}`, entry], {
        stdio: "pipe",
      });
      await bench.compile({ entry, outfile: compiled });
      const args = ["serve", "--port=1", "", "-e", "--version"];
      const expected = runProgram(plain, args, { cwd: bench.root });
      expect(expected.code).toBe(0);
      const found = runProgram(compiled, args, { cwd: bench.root });
      expect(found).toMatchObject({ code: 0, stderr: expected.stderr });
      // Where the entry lies is what the source tree says, with the release's files in the tree's place.
      const inTree = runProgram(BUN, ["run", entry, ...args], { cwd: bench.root }).stdout;
      const inRelease = inTree.replaceAll(dirname(entry), join(bench.root, "release/lib/assets"));
      const { bunMain, url, dir, file } = JSON.parse(inRelease) as Record<string, string>;
      const places = { bunMain, ...(url === undefined ? {} : { url, dir, file }) };
      expect(JSON.parse(found.stdout)).toEqual({ ...(JSON.parse(expected.stdout) as object), ...places });

      // The load probe answers in its place.
      const GANTRY_PROBE = JSON.stringify({ nonce: "n", specifiers: ["nothing"] });
      const probed = runProgram(compiled, [], { cwd: bench.root, env: { GANTRY_PROBE } });
      expect(probed.code).toBe(0);
      expect(parseProbeOutput(probed.stdout, "n").map(({ state }) => state)).toEqual(["loading", "failed"]);
      expect(probed.stdout).not.toContain("bunMain");
    },
  );

  test("may be loaded by a plugin of the app", async () => {
    const app = bench.write("plugged", {
      "main.ts": "console.log(WORD);",
      "plugin.ts": `import type { BunPlugin } from "bun";
        const plugin: BunPlugin = { name: "word", setup(build) {
          build.onLoad({ filter: /main\\.ts$/ }, async ({ path }) => ({
            contents: (await Bun.file(path).text()).replace("WORD", "Object.keys(process.env).length > 0 && 'word'"),
            loader: "ts",
          }));
        } };
        export default plugin;`,
    });
    const outfile = join(bench.root, "plugged-release/lib/brain");
    await bench.compile({ entry: join(app, "main.ts"), outfile, settings: { plugins: ["plugin.ts"] } });
    bench.write("plugged-release", { ".env": "NODE_OPTIONS=--x\n" });
    const { stdout, stderr } = runProgram(outfile, [], { cwd: bench.root });
    expect(stdout).toBe("word\n");
    expect(stderr).toContain("NODE_OPTIONS is not taken");
  });
});

describe("the executable", () => {
  test("is the same, byte for byte, from another directory", async () => {
    const digests: string[] = [];
    for (const place of ["one", "another/place"]) {
      const app = join(bench.root, place, "app");
      cpSync(join(FIXTURE, "app"), app, { recursive: true });
      cpSync(join(FIXTURE, "packages"), join(bench.root, place, "tree/node_modules"), { recursive: true });
      writeFileSync(join(app, "main.ts"), 'import { count } from "live"; import("tla"); console.log(count);');
      const outfile = join(bench.root, place, "brain");
      const modulesRoot = join(bench.root, place, "tree");
      await bench.compile({
        entry: join(app, "main.ts"),
        outfile,
        modulesRoot,
        externals: ["live", "tla", "ms", "nanoid", "yocto-queue", "bcrypt"],
        settings: { workers: ["jobs/worker.ts"], sourcemap: "inline" },
      });
      digests.push(readFileEntry(outfile)[1]);
      rmSync(outfile);
    }
    expect(digests[0]).toBe(digests[1]);
  });

  test("is one for the machine that is asked for", async () => {
    const app = bench.write("cross", {
      "main.ts": 'import ms from "ms"; import("broken"); console.log(ms);',
    });
    const outfile = join(bench.root, "cross/out/brain");
    const target = parseTarget("linux-arm64-gnu");
    const externals = ["ms", "broken"];
    const { imports } = await bench.compile({ entry: join(app, "main.ts"), outfile, target, externals });
    expect(imports).toEqual({ ms: ["ms"], broken: ["broken"] });
    const header = Buffer.alloc(20);
    readSync(openSync(outfile, "r"), header);
    expect(header.subarray(0, 4).toString("latin1")).toBe("\u{7f}ELF");
    // e_machine (ELF gABI): EM_AARCH64.
    expect(header.readUInt16LE(18)).toBe(183);
    rmSync(outfile);
  });

  test.each(["external", "linked"] as const)("comes with its %s source map", async (sourcemap) => {
    const app = bench.write("mapped", { "main.ts": "console.log(1);" });
    const outfile = join(bench.root, `mapped/${sourcemap}/brain`);
    const { files } = await bench.compile({ entry: join(app, "main.ts"), outfile, settings: { sourcemap } });
    expect(files).toHaveLength(1);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
    expect(JSON.parse(readFileSync(files[0] ?? "", "utf8"))).toHaveProperty("version", 3);
    rmSync(outfile);
  });
});

describe("refusals", () => {
  async function refuse(
    files: Record<string, string>,
    options: Partial<Parameters<typeof bench.compile>[0]> = {},
  ) {
    const app = bench.write(`refused-${refusals++}`, files);
    const compiling = bench.compile({
      entry: join(app, "main.ts"),
      outfile: join(app, "out/brain"),
      ...options,
    });
    const error: unknown = await compiling.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(GantryError);
    return (error as GantryError).findings;
  }
  let refusals = 0;

  test("name every import that is not there, with its place", async () => {
    const findings = await refuse({
      "main.ts": 'import "./nor-this.ts";\n\nimport missing from "not-there";\nconsole.log(missing);',
    });
    expect(findings).toMatchObject([
      {
        code: "MODULE_UNAVAILABLE",
        what: 'the app imports "./nor-this.ts", which cannot be found',
        where: "main.ts:1",
        detail: ['import "./nor-this.ts";'],
        fix: "correct the import, or add the file",
      },
      {
        code: "MODULE_UNAVAILABLE",
        what: 'the app imports "not-there", which cannot be found',
        where: "main.ts:3",
        fix: expect.stringContaining('install "not-there"'),
      },
    ]);
  });

  test("name source that does not compile", async () => {
    const [finding] = await refuse({ "main.ts": "const fine = 1;\nconst = 2;\n" });
    expect(finding).toMatchObject({ code: "CONFIG_INVALID", where: "main.ts:2", detail: ["const = 2;"] });
  });

  test("name a require that would have to wait for an external", async () => {
    cpSync(join(FIXTURE, "packages"), join(bench.root, "waiting/node_modules"), { recursive: true });
    const [finding] = await refuse(
      {
        "main.ts": 'const { waited } = require("./bridge.mjs"); console.log(waited);',
        "bridge.mjs": 'export { waited } from "waits";',
      },
      { externals: ["waits"], modulesRoot: join(bench.root, "waiting") },
    );
    expect(finding.code).toBe("CONFIG_INVALID");
    expect(finding.what).toContain('"waits" contains a top-level await');
    expect(finding.where).toBe("main.ts:1");
  });

  test("name settings whose files are missing, all of them", async () => {
    const settings = { workers: ["a.ts", "main.ts"], plugins: ["b.ts"] };
    const findings = await refuse({ "main.ts": "" }, { settings });
    expect(findings.map(({ code, what }) => [code, what])).toEqual([
      ["CONFIG_INVALID", "gantry.build.workers names a.ts, which is not there"],
      ["CONFIG_INVALID", "gantry.build.plugins names b.ts, which is not there"],
    ]);
    const [entry] = await refuse({ "other.ts": "" });
    expect(entry).toMatchObject({
      code: "CONFIG_INVALID",
      what: "gantry.entry names main.ts, which is not there",
    });
  });

  test("name a plugin that is none", async () => {
    const files = {
      "main.ts": "",
      "plugin.ts": "export default 1;",
      "throws.ts": "throw new Error('at once');",
    };
    const [none] = await refuse(files, { settings: { plugins: ["plugin.ts"] } });
    expect(none).toMatchObject({ code: "CONFIG_INVALID", where: "plugin.ts" });
    const [throws] = await refuse(files, { settings: { plugins: ["throws.ts"] } });
    expect(throws.what).toContain("at once");
  });

  test("name a plugin that leaves no room for the prelude", async () => {
    const plugin = `export default { name: "text", setup(build) {
      build.onLoad({ filter: /main\\.ts$/ }, () => ({ contents: "just text", loader: "text" }));
    } };`;
    const [finding] = await refuse(
      { "main.ts": "", "plugin.js": plugin },
      { settings: { plugins: ["plugin.js"] } },
    );
    expect(finding).toMatchObject({ code: "CONFIG_INVALID", where: "main.ts" });
  });

  test("name a runtime that cannot be fetched", async () => {
    // Nothing listens on port 9 (discard) of the loopback address.
    const HTTPS_PROXY = "http://127.0.0.1:9";
    const environment = { HOME: bench.root, BUN_INSTALL_CACHE_DIR: join(bench.root, "cache"), HTTPS_PROXY };
    const target = parseTarget("darwin-x64");
    const [finding] = await refuse({ "main.ts": "" }, { environment, target });
    expect(finding.code).toBe("NETWORK_FAILED");
    expect(finding.what).toContain("bun-darwin-x64");
  });

  test("name a Bun that does not run", async () => {
    const [missing] = await refuse({ "main.ts": "" }, { bun: join(bench.root, "no-bun") });
    expect(missing.code).toBe("EXEC_FAILED");
    const [died] = await refuse({ "main.ts": "" }, { bun: "/bin/false" });
    expect(died).toMatchObject({ code: "EXEC_FAILED", what: "Bun ended while compiling (exit status 1)" });
  });
});
