/** What the command line and the settings say together, and the keys that a release may pin. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { flagList } from "../../../src/base/command-line.ts";
import { readApp } from "../../../src/build/app/app.ts";
import {
  releaseInstall,
  releasePublicKey,
  vendoredTargets,
  withOwnBundle,
} from "../../../src/build/choices.ts";
import { keygen } from "../../../src/build/sign/keys.ts";
import { parseTarget } from "../../../src/release/targets.ts";
import { findingsOf, makeApp, makeDirectory } from "../../support/build/scratch.ts";

const own = parseTarget("linux-x64-gnu");
const appWith = (gantry: Record<string, unknown>) =>
  readApp(makeApp({ "package.json": { name: "a", version: "1.0.0", gantry }, "src/main.ts": "" }));
const vendored = async (install: string, vendor: string[] | undefined): Promise<string[]> =>
  vendoredTargets({ vendor, app: await appWith({ install }) }, own).map(({ name }) => name);

const makeKey = async () => {
  const directory = makeDirectory();
  return keygen({ publicKeyFile: join(directory, "k.pub"), secretKeyFile: join(directory, "k.key") });
};

describe("--vendor", () => {
  it.each([
    [["build"], undefined],
    [["build", "--vendor", "app"], []],
    [["--vendor=linux-x64-musl,linux-arm64-gnu"], ["linux-x64-musl", "linux-arm64-gnu"]],
    [
      ["--vendor=linux-x64-musl", "--vendor=darwin-x64"],
      ["linux-x64-musl", "darwin-x64"],
    ],
    [["--", "--vendor"], undefined],
  ])("of %j is %j", (args, list) => expect(flagList(args, "vendor")).toEqual(list));

  it("means the release's own target alone, the named ones alone, or none", async () => {
    expect(await vendored("first-run", undefined)).toEqual([]);
    expect(await vendored("first-run", [])).toEqual(["linux-x64-gnu"]);
    expect(await vendored("first-run", ["linux-arm64-gnu"])).toEqual(["linux-arm64-gnu"]);
    expect(await vendored("image", undefined)).toEqual([]);
  });

  it("is implied for its own target by a release that is installed as vendor", async () => {
    expect(await vendored("vendor", undefined)).toEqual(["linux-x64-gnu"]);
    expect(await vendored("vendor", ["linux-arm64-gnu", "linux-x64-gnu"])).toEqual([
      "linux-x64-gnu",
      "linux-arm64-gnu",
    ]);
    expect(releaseInstall({ install: "image", app: await appWith({ install: "vendor" }) })).toBe("image");
  });

  it("refuses what is no target", async () => {
    const [finding] = await findingsOf(() => vendored("image", ["linux-x86"]));
    expect(finding).toMatchObject({ code: "USAGE" });
  });
});

describe("a pinned key", () => {
  it("is a key or a file, of the command line or the settings", async () => {
    const key = await makeKey();
    const other = await makeKey();
    const app = await appWith({ publicKey: key.publicKey });
    expect(releasePublicKey({}, app)).toBe(key.publicKey);
    expect(releasePublicKey({ publicKey: other.publicKeyFile }, app)).toBe(other.publicKey);
    expect(releasePublicKey({}, await appWith({}))).toBeUndefined();
    const named = await appWith({ publicKey: "RWfile.pub" });
    writeFileSync(join(named.dir, "RWfile.pub"), `untrusted comment: x\n${key.publicKey}\n`);
    expect(releasePublicKey({}, named)).toBe(key.publicKey);
    const both = await appWith({ publicKey: [key.publicKey, other.publicKey] });
    expect(releasePublicKey({}, both)).toEqual([key.publicKey, other.publicKey]);
    const [finding] = await findingsOf(() => appWith({ publicKey: [] }));
    expect(finding).toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("is never a secret one, a cut one or a missing file", async () => {
    const key = await makeKey();
    const app = await appWith({});
    for (const publicKey of [key.secretKeyFile, join(app.dir, "none.pub")]) {
      const [finding] = await findingsOf(() => releasePublicKey({ publicKey }, app));
      expect(finding).toMatchObject({ code: "CONFIG_INVALID", where: publicKey });
    }
    for (const setting of [key.publicKey.slice(0, -3), "keys/none.pub"]) {
      const cut = await appWith({ publicKey: setting });
      const [finding] = await findingsOf(() => releasePublicKey({}, cut));
      expect(finding).toMatchObject({ code: "CONFIG_INVALID" });
    }
  });
});

describe("a release with packages that only a bundle has", () => {
  it.each([
    ["first-run", undefined, "vendor", ["linux-x64-gnu"]],
    ["first-run", ["linux-x64-musl"], "vendor", ["linux-x64-gnu", "linux-x64-musl"]],
    ["image", undefined, "image", ["linux-x64-gnu"]],
    ["vendor", [], "vendor", ["linux-x64-gnu"]],
  ])("of %s with --vendor %j is %s and carries its own", async (install, vendor, settled, carried) => {
    const choices = { vendor, app: await appWith({ install }) };
    const changed = withOwnBundle(choices, own, ["fetched"]);
    expect(releaseInstall(changed)).toBe(settled);
    expect(vendoredTargets(changed, own).map(({ name }) => name)).toEqual(carried);
    expect(withOwnBundle(choices, own, [])).toBe(choices);
  });
});
