/** `verify --repair`: exactly what is wrong is replaced, and nothing else is touched. */
import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTreeFiles } from "../../../src/release/tree.ts";
import { readTree } from "../../support/launcher/fixture-bundle.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

const OFFLINE = { GANTRY_OFFLINE: "1" };
const fixture = useFixture();
let root = "";

const gantry = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  fixture.launch(root, args, { GANTRY_REGISTRY: fixture.registry.url, ...environment });
const inodes = () =>
  new Map(
    readTreeFiles(join(root, "node_modules")).map(({ path }) => [
      path,
      statSync(join(root, "node_modules", path)).ino,
    ]),
  );

describe("verify --repair", () => {
  const NATIVE = "node_modules/bcrypt/prebuilds/linux-x64/bcrypt.glibc.node";
  it("mends exactly what is wrong, from the bundle, and says what it did", async () => {
    root = fixture.make({ bundle: "vendored" });
    expect(await gantry(["start"])).toMatchObject({ code: 0 });
    const expected = readTree(root);
    const before = inodes();
    rmSync(join(root, "node_modules/bcrypt/bcrypt.js"));
    writeFileSync(join(root, NATIVE), Buffer.alloc(statSync(join(root, NATIVE)).size));
    writeFileSync(join(root, "node_modules/bcrypt/bcrypt.node"), "loaded in place of something");
    const run = await gantry(["verify", "--repair"], OFFLINE);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).toMatch(/mended 3 files: /);
    for (const path of ["node_modules/bcrypt/bcrypt.js", NATIVE, "node_modules/bcrypt/bcrypt.node (removed)"])
      expect(run.stderr).toContain(path);
    expect(readTree(root)).toEqual(expected);
    const replaced = [...inodes()].filter(
      ([path, inode]) => !path.startsWith(".gantry/") && before.get(path) !== inode,
    );
    expect(replaced.map(([path]) => `node_modules/${path}`).toSorted()).toEqual([
      "node_modules/bcrypt/bcrypt.js",
      NATIVE,
    ]);
    expect(await gantry(["start"])).toMatchObject({ code: 0, stderr: "" });
  });
});
