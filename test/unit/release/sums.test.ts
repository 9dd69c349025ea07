import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareWithSums, parseSums } from "../../../src/release/sums.ts";
import { findingsOf, makeApp } from "../../support/build/scratch.ts";

/** SHA-256 of "abc" and of nothing: FIPS 180-4's examples. */
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

describe("parseSums", () => {
  it("reads what sha256sum writes, names with spaces and stars included", () => {
    const text = `${ABC}  a b\n${NOTHING}  lib/*c\n${ABC}   leading\n`;
    expect([...parseSums(text, "s")]).toEqual([
      ["a b", ABC],
      ["lib/*c", NOTHING],
      [" leading", ABC],
    ]);
  });

  it.each([
    ["nothing", "", "is empty"],
    ["an empty line", "\n", "line 1"],
    ["a cut line", `${ABC}  a\n${ABC}  b`, "does not end with a whole line"],
    ["upper case", `${ABC.toUpperCase()}  a\n`, "line 1"],
    ["a short digest", `${ABC}  a\n${ABC.slice(1)}  b\n`, "line 2"],
    ["one space", `${ABC} a\n`, "line 1"],
    ["CRLF", `${ABC}  a\r\n`, "line 1"],
    ["an escaped name", `\\${ABC}  a\\nb\n`, "line 1"],
    ["an absolute path", `${ABC}  /etc/passwd\n`, "outside the release in line 1"],
    ["a path upwards", `${ABC}  lib/../../a\n`, "outside the release in line 1"],
    ["a dot", `${ABC}  ./a\n`, "outside the release in line 1"],
    ["an empty part", `${ABC}  a//b\n`, "outside the release in line 1"],
    ["a file twice", `${ABC}  a\n${NOTHING}  a\n`, "lists a twice"],
    ["itself", `${ABC}  SHA256SUMS\n`, "cannot list itself"],
    ["its signature", `${ABC}  SHA256SUMS.minisig\n`, "cannot list itself"],
  ])("refuses %s", async (_, text, why) => {
    expect(await findingsOf(() => parseSums(text, "release/SHA256SUMS"))).toMatchObject([
      { code: "DIGEST_MISMATCH", what: expect.stringContaining(why), where: "release/SHA256SUMS" },
    ]);
  });
});

function makeAgreeing(): string {
  return makeApp({ brain: "abc", "lib/brain": "", "lib/deep/file": "abc" });
}

describe("compareWithSums", () => {
  const sums = new Map([
    ["brain", ABC],
    ["lib/brain", NOTHING],
    ["lib/deep/file", ABC],
  ]);

  it("finds nothing in a release that agrees, and ignores sums and signature", () => {
    const root = makeAgreeing();
    writeFileSync(join(root, "SHA256SUMS"), "");
    writeFileSync(join(root, "SHA256SUMS.minisig"), "");
    expect(compareWithSums(root, sums, "f")).toEqual([]);
  });

  it("reports everything at once: altered, missing, more", () => {
    const root = makeAgreeing();
    writeFileSync(join(root, "brain"), "abd");
    rmSync(join(root, "lib/deep/file"));
    writeFileSync(join(root, "bunfig.toml"), "");
    mkdirSync(join(root, "node_modules/a"), { recursive: true });
    for (const name of ["one", "two", "a/three"]) writeFileSync(join(root, "node_modules", name), "");
    writeFileSync(join(root, "lib/SHA256SUMS"), "");
    const found = compareWithSums(root, sums, "the fix").map(({ code, what }) => `${code} ${what}`);
    expect(found.toSorted()).toEqual([
      "DIGEST_MISMATCH brain is not the file in SHA256SUMS",
      "DIGEST_MISMATCH bunfig.toml is not in SHA256SUMS",
      "DIGEST_MISMATCH lib/SHA256SUMS is not in SHA256SUMS",
      "DIGEST_MISMATCH node_modules is not in SHA256SUMS (3 files)",
      "RELEASE_FILE_MISSING lib/deep/file is not there",
    ]);
  });

  it("shows both digests of an altered file, its place and the caller's fix", () => {
    const root = makeAgreeing();
    writeFileSync(join(root, "brain"), "");
    const [finding] = compareWithSums(root, sums, "the fix");
    expect(finding).toMatchObject({ where: join(root, "brain"), fix: "the fix" });
    expect(finding?.detail?.join("\n")).toMatch(new RegExp(`${ABC}[^]*${NOTHING}`));
  });

  it("does not follow links, even to the right content", () => {
    const root = makeAgreeing();
    rmSync(join(root, "brain"));
    symlinkSync("lib/deep/file", join(root, "brain"));
    const elsewhere = makeApp({ brain: "", "deep/file": "abc" });
    rmSync(join(root, "lib"), { recursive: true });
    symlinkSync(elsewhere, join(root, "lib"));
    const found = compareWithSums(root, sums, "f").map(({ code, what }) => `${code} ${what}`);
    expect(found).toEqual([
      "DIGEST_MISMATCH brain is a link",
      "RELEASE_FILE_MISSING lib/brain is not there",
      "RELEASE_FILE_MISSING lib/deep/file is not there",
      "DIGEST_MISMATCH lib is not in SHA256SUMS",
    ]);
  });
});
