import { describe, expect, it } from "vitest";
import { planPackageLock } from "../../../src/modules/sources/npm-install.ts";
import { parseBunLock } from "../../../src/release/bun-lock.ts";
import { MANIFEST } from "../../support/modules/tree.ts";

const LOCK = `{
  "lockfileVersion": 1,
  "workspaces": { "": {} },
  "packages": {
    "needed": ["needed@1.0.0", "", { "dependencies": { "shared": "1.0.0" } }, "sha512-aaa"],
    "needed/shared": ["shared@1.0.0", "", { "bundled": true }, "sha512-bbb"],
  },
}`;

describe("planPackageLock", () => {
  it("marks what the tarball of another package brings", () => {
    const { needed, shared } = MANIFEST.modules;
    if (needed === undefined || shared === undefined) throw new Error("not in the manifest");
    const modules = { needed, "needed/node_modules/shared": shared };
    const parsed = parseBunLock(LOCK);
    if (!("lock" in parsed)) throw new Error(parsed.problem.what);
    const { packageLock } = planPackageLock({ manifest: { ...MANIFEST, modules } }, parsed.lock);
    const { packages } = JSON.parse(packageLock) as { packages: Record<string, object> };
    expect(packages["node_modules/needed"]).not.toHaveProperty("inBundle");
    expect(packages["node_modules/needed/node_modules/shared"]).toMatchObject({ inBundle: true });
  });
});
