import { chmodSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyTree } from "../../../src/modules/tree/verify.ts";
import { elfImage } from "../../support/elf/elf-image.mjs";
import { FILES, makeTree, MANIFEST, put, removeTree } from "../../support/modules/tree.ts";

let modules = "";
beforeEach(() => {
  modules = makeTree();
});
afterEach(() => removeTree(modules));

const look = (modes: "strict" | "ignored" = "ignored") => verifyTree(modules, MANIFEST, { modes });
const native = "needed/prebuilds/linux-x64/needed.node";
const nativePath = () => join(modules, native);

describe("a tree that is right", () => {
  it("is whole, and every file was looked at", async () => {
    const checked: string[] = [];
    const verdict = await verifyTree(modules, MANIFEST, {
      modes: "strict",
      checked: (path) => checked.push(path),
    });
    expect(verdict).toEqual({
      whole: ["needed", "@scope/extra"],
      absent: [],
      broken: [],
      foreign: [],
      loadable: [],
      checkedFiles: Object.keys(FILES).length,
    });
    expect(checked.toSorted()).toEqual(Object.keys(FILES).toSorted());
  });

  it("stays right with stamps in it, and with files that no import can meet", async () => {
    put(modules, ".gantry/stamp", "");
    put(modules, ".bin/tool", "");
    put(modules, "needed/README.md", "");
    put(modules, "needed/lib/index.d.ts", "");
    put(modules, "needed/prebuilds/linux-arm64/needed.node", "");
    put(modules, "needed/prebuilds/linux-x64/needed.musl.node", "");
    // Beside the release's own, and made for another runtime by its name, or another machine by its head.
    put(modules, "needed/prebuilds/linux-x64/electron.napi.node", "");
    put(modules, "needed/prebuilds/linux-x64/arm.node", "");
    writeFileSync(join(modules, "needed/prebuilds/linux-x64/arm.node"), elfImage({ machine: 183 }));
    put(modules, "unrelated/index.js", "");
    const verdict = await look();
    expect(verdict.whole).toEqual(["needed", "@scope/extra"]);
    expect(verdict.foreign).not.toContain(".gantry/stamp");
    expect(verdict.foreign).toHaveLength(8);
  });
});

const damages: [string, () => void, RegExp][] = [
  ["a truncated file", () => truncateSync(nativePath(), 3), /has 3 bytes instead of 11/],
  ["a zeroed file of the same size", () => writeFileSync(nativePath(), "\0".repeat(11)), /content differs/],
  ["a deleted file", () => rmSync(nativePath()), /a file is missing/],
  [
    "a link to the same bytes",
    () => {
      renameSync(nativePath(), `${modules}.aside`);
      symlinkSync(`${modules}.aside`, nativePath());
    },
    /link/,
  ],
  ["a directory in its place", () => (rmSync(nativePath()), put(modules, `${native}/x`, "")), /missing/],
];

describe("a required module with", () => {
  it.each(damages)("%s is broken, and the file is named", async (_, damage, message) => {
    damage();
    const { broken, whole } = await look();
    expect(whole).toEqual(["@scope/extra"]);
    expect(broken).toHaveLength(1);
    expect(broken[0]).toMatchObject({ name: "needed", optional: false });
    expect(broken[0]?.findings).toHaveLength(1);
    expect(broken[0]?.findings[0]).toMatchObject({
      code: "DIGEST_MISMATCH",
      what: expect.stringMatching(message),
      where: `node_modules/${native}`,
    });
  });

  it.each([
    ["a build that bindings would find first", "needed/build/Release/needed.node"],
    ["a nested module that shadows the shared one", "needed/node_modules/shared/index.js"],
    ["a file that an import without an extension meets", "needed/lib/index.json"],
    ["a second native file beside its own", "needed/prebuilds/linux-x64/other.node"],
    ["a package.json that changes a directory", "needed/lib/package.json"],
  ])("%s is broken, though all of its files are right", async (_, path) => {
    put(modules, path, "");
    const { broken } = await look();
    expect(broken.map(({ name }) => name)).toEqual(["needed"]);
    expect(broken[0]?.findings[0]).toMatchObject({ code: "DIGEST_MISMATCH", where: `node_modules/${path}` });
  });

  it("a lost mode is right where it was copied, and wrong where it was made", async () => {
    chmodSync(join(modules, "needed/tool.sh"), 0o644);
    expect((await look("ignored")).broken).toEqual([]);
    const { broken } = await look("strict");
    expect(broken[0]?.findings[0]).toMatchObject({ what: expect.stringContaining("mode differs") });
  });
});

describe("what is missing", () => {
  it("names the exact package when an external's own helper did not arrive", async () => {
    rmSync(join(modules, "@scope/extra-linux-x64"), { recursive: true });
    const { broken } = await look();
    expect(broken).toHaveLength(1);
    expect(broken[0]).toMatchObject({ name: "@scope/extra", optional: true });
    expect(broken[0]?.findings[0]).toMatchObject({
      code: "MODULE_UNAVAILABLE",
      what: "@scope/extra-linux-x64 1.0.0 is not there (needed by @scope/extra)",
    });
  });

  it("is an absence, not a damage, when nothing of an optional external is there", async () => {
    rmSync(join(modules, "@scope"), { recursive: true });
    expect(await look()).toMatchObject({ whole: ["needed"], absent: ["@scope/extra"], broken: [] });
  });

  it("names both externals that need a shared module", async () => {
    rmSync(join(modules, "shared"), { recursive: true });
    const { broken } = await look();
    expect(broken.map(({ name }) => name)).toEqual(["needed", "@scope/extra"]);
  });

  it("is everything when there is no tree at all", async () => {
    const verdict = await verifyTree(`${modules}-not`, MANIFEST, { modes: "ignored" });
    expect(verdict).toMatchObject({ whole: [], absent: ["@scope/extra"] });
    expect(verdict.broken[0]?.findings).toHaveLength(2);
  });
});

it("stops between files when told to", async () => {
  const stop = new AbortController();
  const reason = new Error("enough");
  const checked = () => stop.abort(reason);
  const run = verifyTree(modules, MANIFEST, { modes: "ignored", signal: stop.signal, checked });
  await expect(run).rejects.toBe(reason);
});
