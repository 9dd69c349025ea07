/** The stamp, and the facts that are read back from it: written once, trusted until something changes. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTreeFacts } from "../../../src/modules/proof/tree-facts.ts";
import { treeState } from "../../../src/modules/proof/tree-state.ts";
import {
  locationInRelease,
  readRelease,
  type TreeLocation,
  type Release,
} from "../../../src/modules/release/unpacked.ts";
import { writeStamp } from "../../../src/modules/proof/stamp.ts";
import { formatManifest } from "../../../src/release/manifest.ts";
import { makeTree, MANIFEST, removeTree } from "../../support/modules/tree.ts";

const HOST = "0123456789abcdef0123456789abcdef";
let modules = "";
let release: Release;
let location: TreeLocation;

beforeEach(() => {
  modules = makeTree();
  const root = dirname(modules);
  mkdirSync(join(root, "lib"));
  writeFileSync(join(root, "lib/sample"), "a");
  writeFileSync(join(root, "lib/release.json"), formatManifest(MANIFEST));
  release = readRelease(root);
  location = locationInRelease(release.layout);
});
afterEach(() => removeTree(modules));

const state = (host = HOST) => treeState(readTreeFacts(release, location, host)).state;
const stamp = (included = ["needed", "@scope/extra"], began = Date.now()) =>
  writeStamp({ release, location, host: HOST, included, leftOut: {}, began });
const native = () => join(modules, "@scope/extra-linux-x64/extra.node");
const touch = (path: string, seconds: number) => utimesSync(path, seconds, seconds);

describe("a stamp", () => {
  it("makes the tree ready, for this host alone", async () => {
    expect(state()).toBe("present");
    await stamp();
    expect(state()).toBe("ready");
    expect(state("debian-12")).toBe("present");
    expect(readdirSync(location.stamps)).toEqual([`${release.id}-${HOST}`]);
    expect(statSync(location.stamps).mode & 0o777).toBe(0o755);
    expect(statSync(join(location.stamps, `${release.id}-${HOST}`)).mode & 0o777).toBe(0o644);
  });

  it.each([
    ["a native file", () => native()],
    ["the binary", () => release.layout.executable],
  ])("is no longer trusted when %s changed after it", async (_, file) => {
    await stamp();
    touch(file(), Date.now() / 1000 + 10);
    expect(state()).toBe("present");
  });

  it("is no longer trusted when a native file is gone", async () => {
    await stamp();
    rmSync(native());
    expect(state()).toBe("present");
  });

  it("does not outlive another release's manifest", async () => {
    await stamp();
    writeFileSync(release.layout.manifest, formatManifest({ ...MANIFEST, version: "0.1.1" }));
    release = readRelease(dirname(modules));
    expect(state()).toBe("present");
  });

  it("is not older than a file with a modification time in the future", async () => {
    touch(native(), Date.now() / 1000 + 3 * 365 * 86_400);
    await stamp();
    expect(state()).toBe("ready");
  });

  it("says the same each time, so that an image can be made twice", async () => {
    const path = join(location.stamps, `${release.id}-${HOST}`);
    await stamp();
    const first = readFileSync(path, "utf8");
    rmSync(path);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await stamp();
    expect(readFileSync(path, "utf8")).toBe(first);
  });

  it("notices a change between the proof's beginning and its own writing", async () => {
    const began = Date.now();
    touch(native(), began / 1000 - 100);
    await writeStamp({
      release,
      location,
      host: HOST,
      included: ["needed", "@scope/extra"],
      leftOut: {},
      began,
    });
    touch(native(), began / 1000 + 0.5);
    expect(state()).toBe("present");
  });
});

describe("an optional external that this host goes without", () => {
  it("is recorded beside the stamp, and its native file is not missed", async () => {
    rmSync(join(modules, "@scope"), { recursive: true });
    await writeStamp({
      release,
      location,
      host: HOST,
      included: ["needed"],
      leftOut: { "@scope/extra": "it does not load" },
      began: Date.now(),
    });
    const marker = join(location.stamps, `${release.id}-${HOST}.without-1`);
    expect(readFileSync(marker, "utf8")).toBe("@scope/extra: it does not load\n");
    expect(state()).toBe("ready");
    expect(readTreeFacts(release, location, HOST).absent).toEqual(["@scope/extra"]);
  });

  it("is forgotten when it is back", async () => {
    await stamp(["needed"]);
    expect(existsSync(join(location.stamps, `${release.id}-${HOST}.without-1`))).toBe(true);
    await stamp();
    expect(readdirSync(location.stamps)).toEqual([`${release.id}-${HOST}`]);
  });
});
