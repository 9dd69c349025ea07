/** How a release expects to get its modules decides who may fetch them, whatever the environment says. */
import { rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Manifest } from "../../../src/release/manifest.ts";
import { expectRefusal } from "../../support/launcher/fixture.ts";
import { useFixture } from "../../support/launcher/use-fixture.ts";

const VENDORED = "vendor/linux-x64-gnu.tar.zst";
const fixture = useFixture();
let root = "";

const gantry = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  fixture.launch(root, args, { GANTRY_REGISTRY: fixture.registry.url, ...environment });

const marked = (manifest: Manifest) => {
  const { bcrypt } = manifest.modules;
  return { ...manifest, modules: { ...manifest.modules, bcrypt: { ...bcrypt, source: "bundle" } } };
};

describe("a release made for vendor", () => {
  const vendor = { manifest: (manifest: object) => ({ ...manifest, install: "vendor" }) };

  it("never touches the network, whatever the environment says", async () => {
    root = fixture.make(vendor);
    expectRefusal(await gantry(["start"]), "BUNDLE_MISSING", /from a bundle alone, and there is none/);
    const address = { GANTRY_BUNDLE: `${fixture.registry.url}bundle.tar.zst`, GANTRY_OFFLINE: "0" };
    expectRefusal(await gantry(["start"], address), "BUNDLE_MISSING", /--install=vendor forbids the network/);
    expectRefusal(
      await gantry(["prepare", "--from", address.GANTRY_BUNDLE]),
      "BUNDLE_MISSING",
      /--install=vendor/,
    );
    expect(fixture.registry.requests).toEqual([]);
    rmSync(root, { recursive: true });
    root = fixture.make({ ...vendor, bundle: "vendored" });
    truncateSync(join(root, VENDORED), 1000);
    expectRefusal(await gantry(["start"]), "DIGEST_MISMATCH", /not whole/);
    expect(fixture.registry.requests).toEqual([]);
  });
});

describe("a module that an install script made", () => {
  it("is not asked of a registry, which has only what it was made from", async () => {
    root = fixture.make({ manifest: marked });
    const run = await gantry(["start"]);
    expectRefusal(run, "BUNDLE_MISSING", /bcrypt was made by its install script/);
    expect(fixture.registry.requests).toEqual([]);
    expect(await gantry(["prepare", "--from", fixture.bundle])).toMatchObject({ code: 0 });
  });
});

describe("a release made for images", () => {
  it("fetches when it is told to prepare, not when it starts", async () => {
    root = fixture.make({ manifest: (manifest) => ({ ...manifest, install: "image" }) });
    expectRefusal(await gantry(["start"]), "BUNDLE_MISSING", /--install=image forbids the network/);
    expect(fixture.registry.requests).toEqual([]);
    expect(await gantry(["prepare"])).toMatchObject({ code: 0 });
    expect(await gantry(["start"])).toMatchObject({ code: 0 });
  });
});
