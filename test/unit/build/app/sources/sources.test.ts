import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { readApp } from "../../../../../src/build/app/app.ts";
import { ensureInstalled, type Sources } from "../../../../../src/build/app/sources/sources.ts";
import { digestOfFiles, readTreeEntry, readTreeFiles } from "../../../../../src/release/tree.ts";
import {
  BUN,
  copyFixture,
  findingsOf,
  makeApp,
  writeFiles,
  SCRATCH,
} from "../../../../support/build/scratch.ts";

const opened: Sources[] = [];

afterEach(() => {
  for (const sources of opened.splice(0)) sources.dispose();
});

async function install(dir: string, messages: string[] = []): Promise<Sources> {
  const log = { info: () => {}, warn: (text: string) => messages.push(text) };
  const sources = await ensureInstalled(await readApp(dir), BUN, {
    environment: process.env,
    scratch: SCRATCH,
    log,
  });
  opened.push(sources);
  return sources;
}

function digest(directory: string): string {
  return digestOfFiles(
    Object.fromEntries(readTreeFiles(directory).map((file) => [file.path, readTreeEntry(directory, file)])),
  );
}

const versionOf = (sources: Sources, path: string): string =>
  (JSON.parse(readFileSync(join(sources.root, path, "package.json"), "utf8")) as { version: string }).version;

describe("ensureInstalled", () => {
  it("uses an app without dependencies where it is", async () => {
    const dir = makeApp({ "package.json": { name: "a", version: "1.0.0" }, "index.ts": "" });
    const sources = await install(dir);
    expect(sources).toMatchObject({ kind: "in-place", appDir: dir, root: dir, entry: join(dir, "index.ts") });
    sources.dispose();
    expect(existsSync(join(dir, "index.ts"))).toBe(true);
  });

  it("installs a private copy frozen, and writes nothing into the app", async () => {
    const dir = copyFixture("locks", "notes");
    writeFiles(dir, {
      "src/main.ts": "",
      ".env": "SECRET=1",
      ".env.example": "SECRET=",
      "node_modules/stale/a": "",
    });
    writeFiles(dir, { "package-lock.json": readFileSync(join(dir, "npm3/package-lock.json"), "utf8") });
    const before = digest(dir);
    const sources = await install(dir);
    expect(sources.kind).toBe("copy");
    expect(sources.root.startsWith(dir)).toBe(false);
    expect(sources.entry).toBe(join(sources.root, "src/main.ts"));
    expect(digest(dir)).toBe(before);
    // As package-lock.json has them.
    expect(versionOf(sources, "node_modules/libsql")).toBe("0.5.20");
    expect(versionOf(sources, "node_modules/@libsql/client/node_modules/libsql")).toBe("0.5.29");
    expect(existsSync(join(sources.root, ".env"))).toBe(false);
    expect(existsSync(join(sources.root, ".env.example"))).toBe(true);
    expect(existsSync(join(sources.root, "node_modules/stale"))).toBe(false);
    sources.dispose();
    expect(existsSync(sources.root)).toBe(false);
    expect((await install(dir)).kind).toBe("copy");
  });

  it.each(["bun", "npm", "pnpm"])("resolves workspace: and catalog: of %s", async (manager) => {
    const root = copyFixture("apps", `workspace-${manager}`);
    const before = digest(root);
    const sources = await install(join(root, "apps/server"));
    expect(sources.appDir).toBe(join(sources.root, "apps/server"));
    expect(versionOf(sources, "node_modules/ms")).toBe("2.1.2");
    expect(versionOf(sources, "node_modules/bcrypt")).toBe("6.0.0");
    expect(versionOf(sources, "node_modules/shared")).toBe("1.0.0");
    expect(digest(root)).toBe(before);
  });

  it("does not believe modules above the app", async () => {
    const outer = makeApp({
      "package.json": { name: "outer", version: "1.0.0" },
      "node_modules/ms/package.json": { name: "ms", version: "9.9.9" },
      "app/package.json": { name: "app", version: "1.0.0", dependencies: { ms: "2.1.3" } },
      "app/index.ts": "",
    });
    const messages: string[] = [];
    const sources = await install(join(outer, "app"), messages);
    expect(sources.kind).toBe("copy");
    expect(versionOf(sources, "node_modules/ms")).toBe("2.1.3");
    expect(messages).toEqual([expect.stringContaining("app has no lockfile")]);
  });

  it("uses modules in place only when what they need is there too", async () => {
    const dir = makeApp({
      "package.json": { name: "app", version: "1.0.0", dependencies: { debug: "4.4.3" } },
      "index.ts": "",
      "node_modules/debug/package.json": { name: "debug", version: "4.4.3", dependencies: { ms: "^2.1.3" } },
    });
    expect((await install(dir)).kind).toBe("copy");
    writeFiles(dir, { "node_modules/ms/package.json": { name: "ms", version: "2.1.3" } });
    expect((await install(dir)).kind).toBe("in-place");
  });

  it("follows pnpm's links inside and outside the workspace", async () => {
    const store = makeApp({
      "links/a@1.0.0/node_modules/a/package.json": {
        name: "a",
        version: "1.0.0",
        dependencies: { b: "1.0.0" },
      },
      "links/a@1.0.0/node_modules/b/package.json": { name: "b", version: "1.0.0" },
    });
    const dir = makeApp({
      "package.json": { name: "app", version: "1.0.0", dependencies: { a: "1.0.0" } },
      "index.ts": "",
    });
    mkdirSync(join(dir, "node_modules"));
    symlinkSync(join(store, "links/a@1.0.0/node_modules/a"), join(dir, "node_modules/a"));
    expect((await install(dir)).kind).toBe("in-place");
  });

  it("installs what builds a Node app, also where its own dependencies are there", async () => {
    const json = {
      name: "app",
      version: "1.0.0",
      scripts: { build: "ms 1" },
      devDependencies: { ms: "2.1.3" },
      gantry: { runtime: "node", node: "24.21.0", entry: "dist/index.js" },
    };
    const dir = makeApp({ "package.json": json });
    const sources = await install(dir);
    expect(sources.kind).toBe("copy");
    expect(versionOf(sources, "node_modules/ms")).toBe("2.1.3");
    writeFiles(dir, { "node_modules/ms/package.json": { name: "ms", version: "2.1.3" } });
    expect((await install(dir)).kind).toBe("in-place");
  });

  it("leaves earlier releases and version control behind", async () => {
    const dir = makeApp({
      "package.json": { name: "app", version: "1.0.0", dependencies: { ms: "2.1.3" } },
      "index.ts": "",
      "out/app-v1.0.0-linux-x64/lib/release.json": {},
      "out/kept.txt": "",
      ".git/HEAD": "",
    });
    const { root } = await install(dir);
    expect(existsSync(join(root, "out/kept.txt"))).toBe(true);
    expect(existsSync(join(root, "out/app-v1.0.0-linux-x64"))).toBe(false);
    expect(existsSync(join(root, ".git"))).toBe(false);
  });

  const outOfStep: [string, string, RegExp][] = [
    ["npm3", "package-lock.json", /npm install/],
    ["pnpm9", "pnpm-lock.yaml", /pnpm install/],
    ["bun2", "bun.lock", /bun install/],
  ];
  it.each(outOfStep)(
    "refuses a lockfile of %s that package.json has left behind",
    async (directory, kind, fix) => {
      const dir = copyFixture("locks", "notes");
      const json = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as {
        dependencies: Record<string, string>;
      };
      const dependencies = { ...json.dependencies, bcrypt: "^5.0.0", ms: "2.1.3" };
      writeFiles(dir, {
        "package.json": { ...json, dependencies },
        "index.ts": "",
        [kind]: readFileSync(join(dir, directory, kind), "utf8"),
      });
      const findings = await findingsOf(() => install(dir));
      expect(findings[0]).toMatchObject({
        code: "CONFIG_INVALID",
        what: `${kind} and package.json do not belong together`,
        where: join(dir, kind),
        detail: [
          `package.json asks for bcrypt ^5.0.0, ${kind} has ^6.0.0`,
          `package.json asks for ms 2.1.3, ${kind} does not have it`,
        ],
        fix: expect.stringMatching(fix),
      });
    },
  );

  it("tells an unknown version from an unreachable registry", async () => {
    const json = { name: "app", version: "1.0.0" };
    const unknown = makeApp({ "package.json": { ...json, dependencies: { ms: "999.0.0" } }, "index.ts": "" });
    expect((await findingsOf(() => install(unknown)))[0]?.code).toBe("MODULE_UNAVAILABLE");
    const dir = makeApp({ "package.json": { ...json, dependencies: { ms: "2.1.3" } }, "index.ts": "" });
    const app = await readApp(dir);
    const environment = {
      ...process.env,
      BUN_INSTALL_CACHE_DIR: join(dir, "cache"),
      BUN_CONFIG_HTTP_RETRY_COUNT: "0",
    };
    const closed = { environment, registry: "http://127.0.0.1:1/" };
    expect(
      (await findingsOf(() => ensureInstalled(app, BUN, { ...closed, scratch: SCRATCH })))[0]?.code,
    ).toBe("NETWORK_FAILED");
  });
});
