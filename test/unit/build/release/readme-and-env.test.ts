import { describe, expect, it } from "vitest";
import { renderReadme } from "../../../../src/build/release/readme-and-env.ts";
import type { Manifest } from "../../../../src/release/manifest.ts";
import { bunManifest, nodeManifest } from "../../../support/build/manifests.ts";

const externals = ["libsql", "bcrypt"].map((name) => ({
  name,
  version: "1.0.0",
  optional: false,
  reason: "carries native files",
  imports: [name],
}));
const readme = (manifest: Manifest): string => renderReadme(manifest).replaceAll("\n", " ");

describe("the README of a release", () => {
  it.each([
    ["first-run", "The first start unpacks or fetches the native modules (libsql, bcrypt)"],
    ["vendor", "The first start unpacks the native modules (libsql, bcrypt)"],
    ["image", "a start fetches nothing"],
  ] as const)("says what the first start does when installed as %s", (install, sentence) => {
    expect(readme({ ...bunManifest, install, externals })).toContain(sentence);
  });

  it("says that there is nothing to prepare where there are no modules", () => {
    const text = readme(bunManifest);
    expect(text).toContain("Every start goes straight to the app: this release has no modules.");
    expect(text).not.toContain("fetches");
  });

  it("asks for a Node where the release brings none, and for nothing else", () => {
    expect(readme(bunManifest)).toContain("was made for; no bun, node or npm.");
    expect(readme(nodeManifest)).toContain("and a Node 24 on its PATH; no bun or npm.");
  });

  it("leaves no place unfilled", () => {
    for (const manifest of [bunManifest, nodeManifest]) expect(renderReadme(manifest)).not.toMatch(/@[A-Z]/);
  });
});
