import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readHostId, readTreeFacts } from "../../../src/modules/proof/tree-facts.ts";
import { treeState } from "../../../src/modules/proof/tree-state.ts";
import { locationInRelease, readRelease, type Release } from "../../../src/modules/release/unpacked.ts";
import { writeStamp } from "../../../src/modules/proof/stamp.ts";
import { checkAbi, readRunning } from "../../../src/modules/proof/host-node.ts";
import { usedBy } from "../../../src/modules/proof/used-paths.ts";
import { formatManifest } from "../../../src/release/manifest.ts";
import { makeTree, MANIFEST, removeTree } from "../../support/modules/tree.ts";

const self = { os: "linux", arch: "x64", path: process.execPath, versions: process.versions };
const { executable: _none, ...rest } = MANIFEST;
const runtime = {
  kind: "node",
  version: "24.21.0",
  abi: 137,
  system: true,
  entry: "lib/app/index.js",
} as const;

let modules = "";
let bin = "";
const open = (path = bin): Release =>
  readRelease(dirname(modules), readRunning(self, { PATH: `relative::${path}:/nowhere` }));

beforeEach(() => {
  modules = makeTree();
  mkdirSync(join(dirname(modules), "lib"));
  writeFileSync(join(dirname(modules), "lib/release.json"), formatManifest({ ...rest, runtime }));
  bin = realpathSync(mkdtempSync(join(tmpdir(), "gantry-system-")));
  symlinkSync(process.execPath, join(bin, "node"));
});
afterEach(() => {
  removeTree(modules);
  rmSync(bin, { recursive: true });
});

const stamp = async (release: Release): Promise<void> => {
  const included = ["needed", "@scope/extra"];
  const location = locationInRelease(release.layout);
  await writeStamp({ release, location, host: readHostId(), included, leftOut: {}, began: Date.now() });
};
const stateOf = (release: Release): string =>
  treeState(readTreeFacts(release, locationInRelease(release.layout), readHostId())).state;

describe("a release on the host's own Node", () => {
  it("is run by the calling program, found as the stub finds it", () => {
    const release = open();
    expect(release.layout.executable).toBe(process.execPath);
    expect(release.system).toEqual({ path: process.execPath, found: join(bin, "node") });
    expect(open("/nowhere/else").system).toEqual({ path: process.execPath, found: process.execPath });
  });

  it("is ready with the Node that it was proven with, and with no other", async () => {
    const release = open();
    await stamp(release);
    expect(stateOf(release)).toBe("ready");
    const other = mkdtempSync(join(tmpdir(), "gantry-system-"));
    symlinkSync(process.execPath, join(other, "node"));
    expect(stateOf(open(other))).toBe("present");
    rmSync(other, { recursive: true });
    // A link that now leads elsewhere changed its directory, whatever the time of the file behind it.
    await new Promise((resolve) => setTimeout(resolve, 20));
    writeFileSync(join(bin, "upgraded"), "");
    expect(stateOf(open())).toBe("present");
  });

  it("is judged by the way to the program on the PATH and by the one behind it", () => {
    const release = open();
    const { files } = usedBy(release, [dirname(modules)], locationInRelease(release.layout));
    expect(files).toEqual(expect.arrayContaining([join(bin, "node"), process.execPath]));
  });

  it("knows another ABI by its number", () => {
    const release = open();
    const versions = { ...process.versions, modules: "127", node: "22.3.4" };
    expect(checkAbi(release, { ...self, versions })).toMatchObject({
      code: "ABI_MISMATCH",
      what: "the release is built for NODE_MODULE_VERSION 137 (Node 24.21.0), and this is Node 22.3.4 with 127",
      where: join(bin, "node"),
    });
    expect(checkAbi(release, { ...self, versions: { ...versions, modules: "137" } })).toBeUndefined();
  });
});
