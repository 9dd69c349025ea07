/** A Node app that depends on packages of its own workspace, which no registry serves. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readApp } from "../../../../src/build/app/app.ts";
import { readImports } from "../../../../src/build/node/imports.ts";
import { copyJavaScript } from "../../../../src/build/node/javascript.ts";
import { BUN, findingsOf, makeApp, makeDirectory, writeFiles } from "../../../support/build/scratch.ts";
import { build } from "../../../support/build/built.ts";

const WORKSPACE = {
  "package.json": { name: "root", private: true, workspaces: ["apps/*", "packages/*"] },
  "apps/api/package.json": {
    name: "api",
    version: "1.0.0",
    type: "module",
    scripts: { build: "mkdir -p dist && cp src/* dist/" },
    dependencies: { "@s/words": "*", unused: "*" },
    gantry: { runtime: "node", node: "24.21.0", entry: "dist/main.js" },
  },
  "apps/api/src/main.js": 'import { words } from "@s/words";\nconsole.log(words);\n',
  "packages/words/package.json": {
    name: "@s/words",
    version: "1.0.0",
    type: "module",
    exports: { ".": { types: "./src/index.ts", import: "./dist/index.js" } },
    // It needs the other, built before it and in the same copy.
    scripts: {
      build:
        "mkdir -p dist && cat ../../node_modules/letters/dist/index.cjs > dist/seen && cp src/index.js dist/",
    },
    dependencies: { letters: "*" },
  },
  "packages/words/src/index.js": 'import letters from "letters";\nexport const words = letters + "c";\n',
  "packages/words/src/types.ts": "",
  "packages/words/.env": "SECRET=1",
  "packages/letters/package.json": {
    name: "letters",
    version: "1.0.0",
    main: "dist/index",
    scripts: { build: "mkdir -p dist && cp index.cjs dist/index.cjs && cp index.cjs dist/index.js" },
  },
  "packages/letters/index.cjs": 'module.exports = "ab";\n',
  "packages/unused/package.json": { name: "unused", version: "1.0.0", main: "index.ts" },
  "packages/unused/index.ts": "",
} as const;

/** Installed as package managers do it: links to the members. */
function makeWorkspace(files: Readonly<Record<string, unknown>> = {}): string {
  const root = makeApp({ ...WORKSPACE, ...files });
  mkdirSync(join(root, "node_modules/@s"), { recursive: true });
  symlinkSync("../../packages/words", join(root, "node_modules/@s/words"));
  for (const name of ["letters", "unused"])
    symlinkSync(`../packages/${name}`, join(root, "node_modules", name));
  return root;
}

async function ship(root: string): Promise<string> {
  const dir = join(root, "apps/api");
  const to = join(makeDirectory(), "app");
  copyJavaScript(await build(dir), to, await readApp(dir), false);
  return to;
}

describe("members of the workspace", () => {
  it("are built in the copy, in their order, and go with the app that imports them", async () => {
    const root = makeWorkspace();
    const to = await ship(root);
    expect(execFileSync(process.execPath, [join(to, "main.js")], { encoding: "utf8" })).toBe("abc\n");
    expect(readdirSync(join(to, "node_modules")).toSorted()).toEqual(["@s", "letters"]);
    const words = readdirSync(join(to, "node_modules/@s/words"), { recursive: true }).map(String);
    expect(words.toSorted()).toEqual([
      "dist",
      "dist/index.js",
      "dist/seen",
      "package.json",
      "src",
      "src/index.js",
    ]);
    for (const name of ["words", "letters"])
      expect(existsSync(join(root, "packages", name, "dist"))).toBe(false);
    const scanned = readImports({
      directory: to,
      entry: "main.js",
      modules: makeDirectory(),
      name: "api",
      bun: BUN.path,
      environment: {},
      log: { warn: () => {} },
    });
    expect(Object.keys(await scanned)).toEqual(["@s/words", "letters"]);
  });

  it("stay behind where the app's build has bundled them", async () => {
    const root = makeWorkspace({ "apps/api/src/main.js": "console.log('bundled');\n" });
    expect(readdirSync(await ship(root)).toSorted()).toEqual(["main.js", "package.json"]);
  });

  it("that only bundlers can use are refused", async () => {
    const root = makeWorkspace({ "apps/api/src/main.js": 'import "unused";\n' });
    expect(await findingsOf(() => ship(root))).toMatchObject([
      {
        code: "CONFIG_INVALID",
        what: "unused, a package of the workspace, has no JavaScript where its package.json says: index.ts",
        where: join(root, "packages/unused/package.json"),
        fix: 'let its "build" script make it and its "exports" or "main" name it, or let the app\'s build bundle unused',
      },
    ]);
  });

  it("whose build fails are named", async () => {
    const root = makeWorkspace();
    const path = "packages/letters/package.json";
    writeFiles(root, { [path]: { ...WORKSPACE[path], scripts: { build: "echo the reason; exit 3" } } });
    const [finding] = await findingsOf(() => ship(root));
    expect(finding).toMatchObject({
      code: "CONFIG_INVALID",
      what: `letters's own "build" failed (exit 3)`,
      where: join(root, path),
    });
    expect(finding?.detail?.join("\n")).toContain("the reason");
    expect(finding?.fix).toContain(join(root, "packages/letters"));
  });
});
