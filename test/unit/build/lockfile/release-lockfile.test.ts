import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseTarget } from "../../../../src/release/targets.ts";
import { installFrozen } from "../../../../src/runtime/install-packages.ts";
import {
  BUN_PATH,
  copyFixture,
  FIXTURES,
  findingsOf,
  makeDirectory,
  writeFiles,
} from "../../../support/build/scratch.ts";
import { idsOf, jsonOf, lock, notes } from "../../../support/build/locking.ts";

const NOTES = ["@libsql/client", "argon", "bcrypt", "libsql"];
/** Read off the lockfiles by eye; every package manager resolved the same. */
const DIRECT = {
  "@libsql/client": "0.15.15",
  argon: "npm:@node-rs/argon2@2.0.2",
  bcrypt: "6.0.0",
  libsql: "0.5.20",
};
const PINS = [
  "@libsql/client@0.15.15",
  "@libsql/client/node_modules/libsql@0.5.29",
  "@libsql/client/node_modules/libsql/node_modules/@libsql/linux-x64-gnu@0.5.29",
  "@libsql/core@0.15.15",
  "@libsql/hrana-client@0.7.0",
  "@libsql/isomorphic-fetch@0.3.1",
  "@libsql/isomorphic-ws@0.1.5",
  "@libsql/linux-x64-gnu@0.5.20",
  "@neon-rs/load@0.0.4",
  "@node-rs/argon2-linux-x64-gnu@2.0.2",
  "@types/node@26.6.6",
  "@types/ws@8.18.2",
  "argon@2.0.2",
  "bcrypt@6.0.0",
  "data-uri-to-buffer@4.0.1",
  "detect-libc@2.0.2",
  "fetch-blob@3.2.0",
  "formdata-polyfill@4.0.10",
  "js-base64@3.9.6",
  "libsql@0.5.20",
  "node-addon-api@8.9.2",
  "node-domexception@1.0.0",
  "node-fetch@3.3.2",
  "node-gyp-build@4.8.4",
  "promise-limit@2.7.0",
  "undici-types@8.9.0",
  "web-streams-polyfill@3.3.3",
  "ws@8.23.0",
];

describe("the pins of one app, locked by", () => {
  it.each([
    ["npm, version 2", "npm2", "package-lock.json"],
    ["npm, version 3", "npm3", "package-lock.json"],
    ["pnpm, version 9", "pnpm9", "pnpm-lock.yaml"],
    ["yarn classic", "yarn1", "yarn.lock"],
    ["yarn berry", "yarn4", "yarn.lock"],
    ["Bun, version 1", "bun1", "bun.lock"],
    ["Bun, version 2", "bun2", "bun.lock"],
  ])("%s", async (_label, directory, lockfile) => {
    const written = await lock(notes(directory, lockfile), { externals: NOTES });
    expect(written.dependencies).toEqual(DIRECT);
    expect(jsonOf(written)["dependencies"]).toEqual(DIRECT);
    expect(idsOf(written)).toEqual(PINS);
    expect(written.warnings).toEqual([]);
  });

  it("Bun, in its binary format", async () => {
    const dir = notes("npm3", "package-lock.json");
    writeFiles(dir, { "bunfig.toml": "[install]\nsaveTextLockfile = false\n" });
    execFileSync(BUN_PATH, ["pm", "migrate"], { cwd: dir, stdio: "ignore" });
    expect(readdirSync(dir)).toContain("bun.lockb");
    const written = await lock(dir, { externals: NOTES });
    expect(idsOf(written)).toEqual(PINS);
  });

  it("npm, with a bunfig.toml that asks for the binary format", async () => {
    const dir = notes("npm3", "package-lock.json");
    writeFiles(dir, { "bunfig.toml": "[install]\nsaveTextLockfile = false\n" });
    expect(idsOf(await lock(dir, { externals: NOTES }))).toEqual(PINS);
  });

  it("npm, as npm-shrinkwrap.json, over a package-lock.json beside it", async () => {
    const dir = notes("npm3", "package-lock.json");
    renameSync(join(dir, "package-lock.json"), join(dir, "npm-shrinkwrap.json"));
    writeFiles(dir, { "package-lock.json": "{}" });
    const written = await lock(dir, { externals: NOTES });
    expect(idsOf(written)).toEqual(PINS);
    expect(written.warnings).toEqual([]);
  });

  it("nothing of it is written to the app", async () => {
    const dir = notes("pnpm9", "pnpm-lock.yaml");
    const before = readdirSync(dir);
    await lock(dir, { externals: ["bcrypt"] });
    expect(readdirSync(dir)).toEqual(before);
  });
});

describe("in a workspace the app's own version counts", () => {
  // Bun hoists the other member's 0.5.29, npm the app's 0.5.20; pnpm has both in the members.
  it.each(["bun", "npm", "pnpm"])("of %s", async (manager) => {
    const root = copyFixture("apps", `workspace-${manager}`);
    const written = await lock(join(root, "apps/server"), { externals: ["libsql", "bcrypt"] });
    expect(written.dependencies).toEqual({ bcrypt: "6.0.0", libsql: "0.5.20" });
    expect(idsOf(written)).toEqual([
      "@libsql/linux-x64-gnu@0.5.20",
      "@neon-rs/load@0.0.4",
      "bcrypt@6.0.0",
      "detect-libc@2.0.2",
      "libsql@0.5.20",
      expect.stringMatching(/^node-addon-api@8\./),
      "node-gyp-build@4.8.4",
    ]);
    expect(written.closure.find(({ path }) => path === "bcrypt")?.neededBy).toEqual(["bcrypt"]);
  });

  it("and the other member gets the other", async () => {
    const root = copyFixture("apps", "workspace-bun");
    writeFiles(root, { "packages/other/index.js": "" });
    const written = await lock(join(root, "packages/other"), { externals: ["libsql"] });
    expect(written.dependencies).toEqual({ libsql: "0.5.29" });
  });
});

describe("platform packages", () => {
  it.each([
    ["linux-x64-gnu", ["@libsql/linux-x64-gnu", "@node-rs/argon2-linux-x64-gnu"]],
    ["linux-x64-musl", ["@libsql/linux-x64-musl", "@node-rs/argon2-linux-x64-musl"]],
    ["linux-arm64-gnu", ["@libsql/linux-arm64-gnu", "@node-rs/argon2-linux-arm64-gnu"]],
    ["linux-x64-gnu-baseline", ["@libsql/linux-x64-gnu", "@node-rs/argon2-linux-x64-gnu"]],
    ["darwin-arm64", ["@libsql/darwin-arm64", "@node-rs/argon2-darwin-arm64"]],
  ])("of %s alone are in the lockfile", async (target, names) => {
    // Version 1 keeps no libc field, version 2 does: both must give the same.
    for (const [directory, lockfile] of [
      ["bun1", "bun.lock"],
      ["bun2", "bun.lock"],
      ["npm3", "package-lock.json"],
    ] as const) {
      const written = await lock(notes(directory, lockfile), { externals: ["argon", "libsql"], target });
      expect(written.platformPackages).toEqual(names);
      const all = written.closure
        .map(({ path }) => path)
        .filter((path) => /(?:linux|darwin|win32|android|freebsd)-/.test(path));
      expect(all).toEqual(names);
    }
  });

  it("that are left out are listed with the reason", async () => {
    const { leftOut } = await lock(notes("bun2", "bun.lock"), { externals: ["libsql"] });
    const musl = leftOut.find(({ name }) => name === "@libsql/linux-x64-musl");
    expect(musl).toEqual({
      name: "@libsql/linux-x64-musl",
      version: "0.5.20",
      reason: "made for musl, by its name (it declares no libc)",
    });
    expect(leftOut.map(({ name }) => name)).toContain("@libsql/win32-x64-msvc");
    expect(leftOut.map(({ name }) => name)).not.toContain("@libsql/linux-x64-gnu");
  });

  it("that the app's lockfile lacks come from the registry at the exact version", async () => {
    const dir = notes("bun2", "bun.lock");
    const text = readFileSync(join(dir, "bun.lock"), "utf8");
    // As if the lockfile had been written where only x64 counted.
    writeFiles(dir, {
      "bun.lock": text
        .split("\n")
        .filter((line) => !/^ {4}"[^"]*linux-arm64-[^"]*": \[/.test(line))
        .join("\n"),
    });
    const written = await lock(dir, { externals: ["argon", "libsql"], target: "linux-arm64-musl" });
    expect(written.platformPackages).toEqual([
      "@libsql/linux-arm64-musl",
      "@node-rs/argon2-linux-arm64-musl",
    ]);
    expect(idsOf(written)).toContain("@libsql/linux-arm64-musl@0.5.20");
    expect(idsOf(written)).toContain("@node-rs/argon2-linux-arm64-musl@2.0.2");
    expect(written.warnings).toEqual([
      "libsql 0.5.20 goes into the release for every part of the app, instead of 0.5.29 (for @libsql/client)",
      expect.stringContaining("@node-rs/argon2-linux-arm64-musl@2.0.2 is not in the app's lockfile"),
      expect.stringContaining("@libsql/linux-arm64-musl@0.5.20 is not in the app's lockfile"),
    ]);
    const complete = await lock(notes("bun2", "bun.lock"), {
      externals: ["argon", "libsql"],
      target: "linux-arm64-musl",
    });
    expect(readFileSync(join(written.directory, "bun.lock"), "utf8")).toBe(
      readFileSync(join(complete.directory, "bun.lock"), "utf8"),
    );
  });

  it("that cannot be asked for are the network's fault", async () => {
    const dir = notes("bun2", "bun.lock");
    const text = readFileSync(join(dir, "bun.lock"), "utf8");
    writeFiles(dir, {
      "bun.lock": text
        .split("\n")
        .filter((line) => !/^ {4}"@libsql\/linux-arm64/.test(line))
        .join("\n"),
    });
    const how = { externals: ["libsql"], target: "linux-arm64-gnu", registry: "http://127.0.0.1:1/" };
    expect((await findingsOf(() => lock(dir, how)))[0]?.code).toBe("NETWORK_FAILED");
  });

  it("that nobody published fail the build, or leave an optional module out", async () => {
    const dir = notes("bun2", "bun.lock");
    const text = readFileSync(join(dir, "bun.lock"), "utf8");
    const unpublished = text
      .split("\n")
      .filter((line) => !/^ {4}"@libsql\/linux-arm64-gnu"/.test(line))
      .join("\n")
      .replaceAll('"@libsql/linux-arm64-gnu": "0.5.20"', '"@libsql/linux-arm64-gnu": "0.5.20-never"');
    writeFiles(dir, { "bun.lock": unpublished });
    const how = { externals: ["bcrypt", "libsql"], target: "linux-arm64-gnu" };
    const [finding] = await findingsOf(() => lock(dir, how));
    expect(finding).toMatchObject({ code: "MODULE_UNAVAILABLE" });
    expect(finding?.what).toContain(
      "@libsql/linux-arm64-gnu@0.5.20-never, which it needs on linux-arm64-gnu",
    );
    const written = await lock(dir, { ...how, optional: ["libsql"] });
    expect(written.unavailable.map(({ name }) => name)).toEqual(["libsql"]);
    expect(jsonOf(written)).toMatchObject({ dependencies: { bcrypt: "6.0.0" } });
    expect(idsOf(written).filter((id) => id.startsWith("libsql"))).toEqual([]);
  });
});

describe("the written files", () => {
  it("are minimal, exact and sorted, with optional modules apart", async () => {
    const dir = join(FIXTURES, "test-brain");
    const matrix = "@matrix-org/matrix-sdk-crypto-nodejs";
    const externals = ["libsql", matrix, "bcrypt", "@libsql/client"];
    const written = await lock(dir, { externals, optional: [matrix] });
    const { trustedDependencies, allowScripts, ...json } = jsonOf(written);
    expect(json).toEqual({
      name: "test-brain",
      version: "0.1.0",
      private: true,
      dependencies: { "@libsql/client": "0.15.7", bcrypt: "6.0.0", libsql: "0.5.11" },
      optionalDependencies: { [matrix]: "0.1.0-beta.6" },
    });
    expect(Array.isArray(trustedDependencies)).toBe(true);
    expect(allowScripts ?? {}).toEqual(
      Object.fromEntries((trustedDependencies as string[]).map((name) => [name, true])),
    );
    const pins = readFileSync(join(dir, "bun.lock"), "utf8");
    const lines = readFileSync(join(written.directory, "bun.lock"), "utf8").split("\n");
    const entries = lines.filter((line) => /^ {4}"[^"]+": \[/.test(line));
    expect(entries.length).toBe(written.closure.length);
    for (const line of entries) expect(pins).toContain(line);
    expect(lines.join("\n")).not.toContain("linux-x64-musl@");
  });

  it("install exactly the closure", async () => {
    const written = await lock(notes("yarn4", "yarn.lock"), { externals: NOTES });
    const { directory } = written;
    const cache = makeDirectory();
    const target = parseTarget("linux-x64-gnu");
    await installFrozen({ executable: BUN_PATH, directory, cache, target, environment: process.env });
    const found: string[] = [];
    const visit = (below: string): void => {
      for (const name of readdirSync(join(directory, below)).filter((entry) => !entry.startsWith("."))) {
        const path = `${below}/${name}`;
        if (name.startsWith("@") && below.endsWith("node_modules")) {
          visitScope(path);
          continue;
        }
        add(path);
      }
    };
    const visitScope = (scope: string): void =>
      readdirSync(join(directory, scope)).forEach((name) => add(`${scope}/${name}`));
    const add = (path: string): void => {
      const { version } = JSON.parse(readFileSync(join(directory, path, "package.json"), "utf8")) as {
        version: string;
      };
      found.push(`${path.slice("node_modules/".length)}@${version}`);
      if (readdirSync(join(directory, path)).includes("node_modules")) visit(`${path}/node_modules`);
    };
    visit("node_modules");
    expect(found.toSorted()).toEqual(idsOf(written).toSorted());
  });

  it("are the same for the same app", async () => {
    const texts = [];
    for (const dir of [notes("npm3", "package-lock.json"), notes("npm3", "package-lock.json")]) {
      const { directory } = await lock(dir, { externals: NOTES });
      texts.push(["package.json", "bun.lock"].map((name) => readFileSync(join(directory, name), "utf8")));
    }
    expect(texts[0]).toEqual(texts[1]);
  });
});
