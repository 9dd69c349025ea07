import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeApp, writeFiles } from "../../../support/build/scratch.ts";
import { jsonOf, lock } from "../../../support/build/locking.ts";

describe("an app without modules outside", () => {
  const json = { name: "plain", version: "1.0.0" };
  const LOCKS: [string, string, string][] = [
    ["none", "", ""],
    [
      "npm's",
      "package-lock.json",
      '{"name":"plain","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{"":{"name":"plain","version":"1.0.0"}}}',
    ],
    ["pnpm's", "pnpm-lock.yaml", "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n"],
    ["yarn's", "yarn.lock", "# yarn lockfile v1\n\n\n"],
    [
      "Bun's",
      "bun.lock",
      '{"lockfileVersion":1,"configVersion":1,"workspaces":{"":{"name":"plain"}},"packages":{}}',
    ],
  ];
  it.each(LOCKS)("needs no lockfile of its own, and gets an empty one: %s", async (_, lockfile, text) => {
    const dir = makeApp({ "package.json": json, "index.ts": "" });
    if (lockfile !== "") writeFiles(dir, { [lockfile]: text });
    const written = await lock(dir, { externals: [] });
    expect(written).toMatchObject({ closure: [], dependencies: {}, warnings: [], unavailable: [] });
    expect(jsonOf(written)).toMatchObject({ name: "plain", dependencies: {} });
    const release = JSON.parse(readFileSync(join(written.directory, "bun.lock"), "utf8")) as unknown;
    expect(release).toMatchObject({ workspaces: { "": { name: "plain" } }, packages: {} });
  });

  it("is told that nothing pins what is compiled in", async () => {
    const dir = makeApp({ "package.json": { ...json, dependencies: { ms: "2.1.3" } }, "index.ts": "" });
    writeFiles(dir, { "node_modules/ms/package.json": { name: "ms", version: "2.1.3" } });
    const written = await lock(dir, { externals: [] });
    expect(written.warnings).toEqual([expect.stringMatching(/plain has no lockfile: .*commit one/)]);
  });
});
