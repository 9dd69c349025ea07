import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readImports } from "../../../../src/build/node/imports.ts";
import { BUN, findingsOf, makeDirectory, writeFiles } from "../../../support/build/scratch.ts";

const read = (files: Record<string, string>, installed: readonly string[], warnings: string[] = []) => {
  const directory = makeDirectory();
  writeFiles(join(directory, "app"), files);
  for (const name of installed) writeFiles(join(directory, "node_modules", name), { "index.js": "" });
  const modules = join(directory, "node_modules");
  return readImports({
    directory: join(directory, "app"),
    entry: "a.js",
    modules,
    name: "self",
    bun: BUN.path,
    environment: {},
    log: { warn: (text) => void warnings.push(text) },
  });
};

describe("readImports", () => {
  it("gives every specifier by package", async () => {
    const files = {
      "a.js":
        "import x from 'x/deep'; import fs from 'node:fs'; import { join } from 'path'; import './b.js';",
      "b.js": "",
      "b.cjs": "const x = require('x'); try { require('maybe') } catch {} require('self'); require('#own');",
      "c.mjs": "const y = await import('@s/y/part.js'); export * from 'x';",
      "page.html": "<script>import z from 'z'</script>",
    };
    expect(await read(files, ["x", "@s/y"])).toEqual({
      "@s/y": ["@s/y/part.js"],
      maybe: ["maybe"],
      x: ["x", "x/deep"],
    });
  });

  it("refuses packages that only development has", async () => {
    const findings = await findingsOf(() =>
      read({ "a.js": "import x from 'x'; import '@s/y/z';" }, ["other"]),
    );
    expect(findings.map(({ code, what, where }) => [code, what, where])).toEqual([
      [
        "MODULE_UNAVAILABLE",
        'the compiled app imports "x", and no production dependency brings it',
        "lib/app/a.js",
      ],
      [
        "MODULE_UNAVAILABLE",
        'the compiled app imports "@s/y/z", and no production dependency brings it',
        "lib/app/a.js",
      ],
    ]);
  });

  it("refuses files that Node's import would not find, where the app leads to them", async () => {
    const files = {
      "a.js":
        "import './b'; import './lib'; import './b.js?v=1'; import d from './d.json' with { type: 'json' };",
      "b.js": "import p from '../package.json' with { type: 'json' }; export * from './none.js';",
      "d.json": "{}",
      "lib/index.js": "import('./guarded'); try { require('../c'); } catch {}",
      "c.js": "exports.c = require('./e');",
      "e.js": "",
      "unused.js": "import './nowhere.js';",
    };
    const findings = await findingsOf(() => read(files, []));
    expect(findings.map(({ code, what, where }) => [code, where, what])).toEqual([
      ["CONFIG_INVALID", "lib/app/a.js", 'the compiled app imports "./b", and there is no such file'],
      ["CONFIG_INVALID", "lib/app/a.js", 'the compiled app imports "./lib", and there is no such file'],
      [
        "CONFIG_INVALID",
        "lib/app/b.js",
        'the compiled app imports "../package.json", which lies outside what becomes lib/app',
      ],
      ["CONFIG_INVALID", "lib/app/b.js", 'the compiled app imports "./none.js", and there is no such file'],
    ]);
    const fixes = [
      /^write "\.\/b\.js" in the source/,
      /^write "\.\/lib\/index\.js"/,
      /^set "gantry\.app" to "\."/,
      /copy/,
    ];
    expect(findings.map(({ fix }) => fix)).toEqual(fixes.map((fix) => expect.stringMatching(fix) as string));
  });

  it("minds no tests and tools beside an app, unless the app leads to them", async () => {
    const files = {
      "a.js": "import './lib/b.js';",
      "lib/b.js": "export const b = 1;",
      "eslint.config.js": "import 'eslint';",
      ".storybook/main.mjs": "import 'storybook';",
      "test/a.test.js": "import 'vitest'; import '../lib/b.js';",
      "lib/b.spec.js": "import 'vitest';",
      "test/shared/data.cjs": "require('x');",
    };
    expect(Object.keys(await read(files, []))).toEqual(expect.arrayContaining(["eslint", "vitest", "x"]));
    const led = { ...files, "lib/b.js": "const c = require('../scripts/c');", "scripts/c.js": "import 'c';" };
    const findings = await findingsOf(() => read(led, []));
    expect(findings.map(({ where }) => where)).toEqual(["lib/app/scripts/c.js"]);
  });

  it("reads files that begin with a hashbang", async () => {
    const files = {
      "a.js": "#!/usr/bin/env node\nimport './b.js';",
      "b.js": "#!/usr/bin/env node\nrequire('x');",
    };
    expect(await read(files, ["x"])).toEqual({ x: ["x"] });
  });

  it("fails only for files that the entry reaches", async () => {
    const files = {
      "a.js": "import './b.js';",
      "b.js": "",
      "public/page.js": "{{ template }} import from;",
      "routes/user.js": "import 'fastify-plugin';",
    };
    const warnings: string[] = [];
    await read(files, [], warnings);
    expect(warnings).toEqual([expect.stringContaining("lib/app/routes/user.js imports fastify-plugin")]);
    for (const broken of ["a.js", "b.js"]) {
      const [finding] = await findingsOf(() => read({ ...files, [broken]: "import from;" }, []));
      expect(finding).toMatchObject({ code: "CONFIG_INVALID", where: `lib/app/${broken}` });
    }
  });
});
