import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeSums } from "../../../../src/build/pack/make-sums.ts";
import { signFile, signRelease } from "../../../../src/build/sign/sign.ts";
import { verifyFile, verifyRelease } from "../../../../src/build/sign/verify-signature.ts";
import {
  COMMENT,
  KEY_ID,
  KEY_LINE,
  LEGACY_SIGNATURE,
  MESSAGE,
  SIGNATURE,
} from "../../../support/release/minisign-vectors.ts";
import { findingsOf, makeApp, writeFiles } from "../../../support/build/scratch.ts";
import { makeRelease, type ReleaseAndKeys } from "../../../support/build/signed-release.ts";

async function makeSigned(): Promise<ReleaseAndKeys> {
  const made = await makeRelease();
  await signRelease({
    release: made.release,
    secretKeyFile: made.keys.secretKeyFile,
    trustedComment: "ours",
  });
  return made;
}

describe("verifyRelease", () => {
  it("accepts a signed release, with the key's file or its line, and changes nothing", async () => {
    const { release, keys } = await makeSigned();
    const before = makeSums(release);
    const listed = readFileSync(join(release, "SHA256SUMS"), "utf8").trimEnd().split("\n").length;
    for (const publicKey of [keys.publicKeyFile, keys.publicKey]) {
      const verified = verifyRelease({ release, publicKey });
      expect(verified).toEqual({ keyId: keys.keyId, trustedComment: "ours", files: listed });
    }
    expect(makeSums(release)).toBe(before);
  });

  it("reports every differing file at once, with where it is", async () => {
    const { release, keys } = await makeSigned();
    writeFileSync(join(release, "brain"), "#!/bin/sh\nrm -rf /\n");
    writeFileSync(join(release, "vendor/linux-x64-gnu.tar.zst"), "a bundlf");
    rmSync(join(release, "lib/brain"));
    writeFiles(release, { "bunfig.toml": "preload = 1" });
    const findings = await findingsOf(() => verifyRelease({ release, publicKey: keys.publicKey }));
    expect(findings.map(({ code, where }) => [code, where]).toSorted()).toEqual([
      ["DIGEST_MISMATCH", join(release, "brain")],
      ["DIGEST_MISMATCH", join(release, "bunfig.toml")],
      ["DIGEST_MISMATCH", join(release, "vendor/linux-x64-gnu.tar.zst")],
      ["RELEASE_FILE_MISSING", join(release, "lib/brain")],
    ]);
  });

  it("refuses an altered file whose sums were made to agree", async () => {
    const { release, keys } = await makeSigned();
    writeFileSync(join(release, "brain"), "altered");
    const signature = readFileSync(join(release, "SHA256SUMS.minisig"));
    rmSync(join(release, "SHA256SUMS.minisig"));
    writeFileSync(join(release, "SHA256SUMS"), makeSums(release));
    writeFileSync(join(release, "SHA256SUMS.minisig"), signature);
    expect(await findingsOf(() => verifyRelease({ release, publicKey: keys.publicKey }))).toMatchObject([
      { code: "SIGNATURE_INVALID", where: join(release, "SHA256SUMS.minisig") },
    ]);
  });

  it("reports a bad signature first and the files all the same", async () => {
    const { release, keys } = await makeSigned();
    const file = join(release, "SHA256SUMS.minisig");
    writeFileSync(file, readFileSync(file, "utf8").replace("ours", "hers"));
    rmSync(join(release, "README.md"));
    expect(await findingsOf(() => verifyRelease({ release, publicKey: keys.publicKey }))).toMatchObject([
      { code: "SIGNATURE_INVALID", what: expect.stringContaining("trusted comment") },
      { code: "RELEASE_FILE_MISSING", where: join(release, "README.md") },
    ]);
  });

  it("refuses a release that is not signed, or signed by someone else", async () => {
    const [ours, theirs] = [await makeSigned(), await makeSigned()];
    expect(
      await findingsOf(() => verifyRelease({ release: theirs.release, publicKey: ours.keys.publicKey })),
    ).toMatchObject([{ code: "SIGNATURE_INVALID", what: expect.stringContaining(theirs.keys.keyId) }]);
    rmSync(join(ours.release, "SHA256SUMS.minisig"));
    expect(
      await findingsOf(() => verifyRelease({ release: ours.release, publicKey: ours.keys.publicKey })),
    ).toMatchObject([{ code: "SIGNATURE_INVALID", what: "there is no signature" }]);
  });

  it("reports signed sums that nobody can read", async () => {
    const { release, keys } = await makeSigned();
    writeFileSync(join(release, "SHA256SUMS"), "not sums\n");
    await signFile({ file: join(release, "SHA256SUMS"), secretKeyFile: keys.secretKeyFile });
    expect(await findingsOf(() => verifyRelease({ release, publicKey: keys.publicKey }))).toMatchObject([
      { code: "DIGEST_MISMATCH", where: join(release, "SHA256SUMS") },
    ]);
    expect(readdirSync(release)).toContain("SHA256SUMS.minisig");
  });
});

describe("verifyFile", () => {
  it("accepts what minisign signed, in either form, and the signature's file by name", () => {
    const directory = makeApp({ m: MESSAGE.toString(), "m.minisig": SIGNATURE, legacy: LEGACY_SIGNATURE });
    const file = join(directory, "m");
    expect(verifyFile({ file, publicKey: KEY_LINE })).toEqual({ keyId: KEY_ID, trustedComment: COMMENT });
    const legacy = verifyFile({ file, publicKey: KEY_LINE, signatureFile: join(directory, "legacy") });
    expect(legacy).toEqual({ keyId: KEY_ID, trustedComment: "grüße" });
  });

  it("refuses an altered file and a missing signature, by the signature's name", async () => {
    const directory = makeApp({ m: `${MESSAGE.toString()} `, "m.minisig": SIGNATURE, n: "" });
    for (const [name, what] of [
      ["m", "the signature does not match"],
      ["n", "there is no signature"],
    ] as const) {
      const file = join(directory, name);
      expect(await findingsOf(() => verifyFile({ file, publicKey: KEY_LINE }))).toMatchObject([
        { code: "SIGNATURE_INVALID", what: expect.stringContaining(what), where: `${file}.minisig` },
      ]);
    }
  });
});
