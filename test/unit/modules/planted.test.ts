/** Packages and files that somebody put beside a release's own: harmless for most, never for one that pins a key. */
import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removeFromTree } from "../../../src/modules/tree/exclude.ts";
import { readTreeFiles } from "../../../src/release/tree.ts";
import { verifyTree } from "../../../src/modules/tree/verify.ts";
import { FILES, makeTree, MANIFEST, put, removeTree } from "../../support/modules/tree.ts";

const PINNED = { ...MANIFEST, publicKey: "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3" };

let modules = "";
beforeEach(() => {
  modules = makeTree();
});
afterEach(() => removeTree(modules));

const look = (manifest = PINNED) => verifyTree(modules, manifest, { modes: "ignored" });
const link = (path: string, to: string) => {
  mkdirSync(dirname(join(modules, path)), { recursive: true });
  symlinkSync(to, join(modules, path));
};

/** What is planted, and the topmost entry of it that the manifest does not know. */
const PLANTED: [string, () => void, string][] = [
  ["a package", () => put(modules, "bufferutil/index.js", ""), "bufferutil"],
  ["a package of a scope that is there", () => put(modules, "@scope/evil/index.js", ""), "@scope/evil"],
  ["a scope", () => put(modules, "@matrix-org/sdk/index.js", ""), "@matrix-org"],
  ["a file that is found like a package", () => put(modules, "bufferutil.js", ""), "bufferutil.js"],
  ["a link to a package", () => link("bufferutil", "/tmp"), "bufferutil"],
  ["a link into a scope", () => link("@scope/evil", "/tmp"), "@scope/evil"],
  ["a nested package", () => put(modules, "shared/node_modules/x/index.js", ""), "shared/node_modules"],
  ["a file that a package may look for", () => put(modules, "needed/lib/fast.js", ""), "needed/lib/fast.js"],
  ["a text that can be required", () => put(modules, "needed/README.md", ""), "needed/README.md"],
];

describe("in the tree of a release that pins a key", () => {
  it.each(PLANTED)("%s is named, and goes without a trace", async (_, plant, path) => {
    plant();
    const { planted, broken, whole } = await look();
    expect({ broken, whole }).toEqual({ broken: [], whole: ["needed", "@scope/extra"] });
    expect(planted?.paths).toEqual([path]);
    expect(planted?.finding).toMatchObject({ code: "DIGEST_MISMATCH", where: `node_modules/${path}` });
    removeFromTree({ modules, parent: dirname(modules), stamps: "", lock: "" }, planted?.paths ?? []);
    expect(readTreeFiles(dirname(modules)).map((file) => file.path)).toEqual(
      Object.keys(FILES)
        .map((file) => `node_modules/${file}`)
        .toSorted(),
    );
    expect((await look()).planted).toBeUndefined();
  });

  it.each(PLANTED.filter(([name]) => name.includes("package")))(
    "%s is a reason to say so only there",
    async (_, plant) => {
      plant();
      const verdict = await look(MANIFEST as typeof PINNED);
      expect(verdict.planted).toBeUndefined();
      expect(verdict.foreign.length).toBe(1);
    },
  );

  it("what package managers write for themselves is none", async () => {
    put(modules, ".bin/tool", "");
    put(modules, ".package-lock.json", "{}");
    put(modules, ".gantry/stamp", "");
    put(modules, "needed/node_modules/.bin/tool", "");
    expect((await look()).planted).toBeUndefined();
  });

  it("all of many are taken out, and some of them named", async () => {
    for (let index = 10; index < 40; index += 1) put(modules, `x${index}/index.js`, "");
    const { planted } = await look();
    expect(planted?.paths).toHaveLength(30);
    expect(planted?.finding.detail?.at(-1)).toBe("and 21 more");
  });
});
