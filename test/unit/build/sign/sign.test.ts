import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeSums } from "../../../../src/build/pack/make-sums.ts";
import { signFile, signRelease } from "../../../../src/build/sign/sign.ts";
import { verifyMinisign } from "../../../../src/release/signing/minisign.ts";
import { SECRET_KEY } from "../../../support/release/minisign-vectors.ts";
import { findingsOf, makeDirectory, writeFiles } from "../../../support/build/scratch.ts";
import { makeRelease } from "../../../support/build/signed-release.ts";

describe("signRelease", () => {
  it("signs the bytes of SHA256SUMS and says what it signed, by the manifest's name", async () => {
    const { release, keys } = await makeRelease();
    const before = readdirSync(release);
    const written = await signRelease({ release, secretKeyFile: keys.secretKeyFile });
    expect(written).toEqual({
      file: join(release, "SHA256SUMS.minisig"),
      keyId: keys.keyId,
      trustedComment: expect.stringMatching(
        /^timestamp:\d{10,}\trelease:test-brain-v0\.1\.0-linux-x64\thashed$/,
      ),
      bundles: [join(release, "vendor/linux-x64-gnu.tar.zst.minisig")],
      repacked: undefined,
    });
    expect(readdirSync(release).toSorted()).toEqual([...before, "SHA256SUMS.minisig"].toSorted());
    expect(statSync(written.file).mode & 0o777).toBe(0o644);
    const sums = readFileSync(join(release, "SHA256SUMS"));
    const verified = verifyMinisign(sums, readFileSync(written.file, "utf8"), keys.publicKey);
    expect(verified).toEqual({ keyId: keys.keyId, trustedComment: written.trustedComment });
  });

  it("replaces an older signature, and with the same comment writes the same bytes", async () => {
    const { release, keys } = await makeRelease();
    const options = { release, secretKeyFile: keys.secretKeyFile, trustedComment: "for production" };
    const { file } = await signRelease(options);
    const text = readFileSync(file, "utf8");
    await signRelease({ ...options, trustedComment: "other" });
    expect(readFileSync(file, "utf8")).not.toBe(text);
    await signRelease(options);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("signs nothing when a file differs, is missing or too many, and names them all", async () => {
    const { release, keys } = await makeRelease();
    writeFileSync(join(release, "lib/brain"), "another");
    rmSync(join(release, "README.md"));
    writeFiles(release, { "node_modules/a/index.js": "", "node_modules/b/index.js": "" });
    const findings = await findingsOf(() => signRelease({ release, secretKeyFile: keys.secretKeyFile }));
    expect(findings.map(({ code, where }) => [code, where])).toEqual([
      ["RELEASE_FILE_MISSING", join(release, "README.md")],
      ["DIGEST_MISMATCH", join(release, "lib/brain")],
      ["DIGEST_MISMATCH", join(release, "node_modules")],
    ]);
    expect(findings.every(({ fix }) => fix?.includes("build the release again"))).toBe(true);
    expect(readdirSync(release)).not.toContain("SHA256SUMS.minisig");
  });

  it("keeps an older signature when it refuses", async () => {
    const { release, keys } = await makeRelease();
    const { file } = await signRelease({ release, secretKeyFile: keys.secretKeyFile });
    const text = readFileSync(file, "utf8");
    writeFileSync(join(release, "brain"), "another");
    await findingsOf(() => signRelease({ release, secretKeyFile: keys.secretKeyFile }));
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("refuses a secret key inside the release, under any name, listed or not", async () => {
    const { release, keys } = await makeRelease();
    const inside = join(release, "keys/brain.key");
    mkdirSync(join(release, "keys"));
    copyFileSync(keys.secretKeyFile, inside);
    expect(await findingsOf(() => signRelease({ release, secretKeyFile: inside }))).toMatchObject([
      { code: "CONFIG_INVALID", what: expect.stringContaining("inside the release"), where: inside },
    ]);
    writeFileSync(join(release, "SHA256SUMS"), makeSums(release));
    expect(await findingsOf(() => signRelease({ release, secretKeyFile: keys.secretKeyFile }))).toMatchObject(
      [{ code: "CONFIG_INVALID", what: "keys/brain.key holds a secret key", where: inside }],
    );
    expect(readdirSync(release)).not.toContain("SHA256SUMS.minisig");
  });

  it("refuses a release whose settings carry someone's secret key", async () => {
    const { release, keys } = await makeRelease();
    writeFiles(release, { ".env.example": `MODE=1\nKEY=${SECRET_KEY.split("\n")[1]}\n` });
    writeFileSync(join(release, "SHA256SUMS"), makeSums(release));
    expect(await findingsOf(() => signRelease({ release, secretKeyFile: keys.secretKeyFile }))).toMatchObject(
      [{ code: "CONFIG_INVALID", what: ".env.example holds a secret key" }],
    );
  });

  it("signs through a link to the release, and no release whose sums are a link", async () => {
    const { directory, release, keys } = await makeRelease();
    const link = join(directory, "current");
    symlinkSync(release, link);
    expect((await signRelease({ release: link, secretKeyFile: keys.secretKeyFile })).keyId).toBe(keys.keyId);
    copyFileSync(join(release, "SHA256SUMS"), join(directory, "sums"));
    rmSync(join(release, "SHA256SUMS"));
    symlinkSync("../sums", join(release, "SHA256SUMS"));
    expect(await findingsOf(() => signRelease({ release, secretKeyFile: keys.secretKeyFile }))).toMatchObject(
      [{ code: "RELEASE_FILE_MISSING", where: join(release, "SHA256SUMS") }],
    );
  });

  it("says what is no release", async () => {
    const { release, keys } = await makeRelease();
    const { secretKeyFile } = keys;
    for (const [place, what] of [
      [join(release, "nowhere"), "there is no such directory"],
      [join(release, "brain"), "there is no such directory"],
      [makeDirectory(), "this is no release: it has no file SHA256SUMS"],
    ] as const) {
      expect(await findingsOf(() => signRelease({ release: place, secretKeyFile }))).toMatchObject([
        { code: "RELEASE_FILE_MISSING", what },
      ]);
    }
  });

  it("leaves nothing behind when the signature cannot be put in place", async () => {
    const { release, keys } = await makeRelease();
    mkdirSync(join(release, "SHA256SUMS.minisig"));
    await expect(signRelease({ release, secretKeyFile: keys.secretKeyFile })).rejects.toThrow("EISDIR");
    expect(readdirSync(release).filter((name) => name.includes("minisig"))).toEqual(["SHA256SUMS.minisig"]);
  });
});

describe("signFile", () => {
  it("signs any file, also one longer than a piece", async () => {
    const { directory, keys } = await makeRelease();
    const file = join(directory, "archive.tar.gz");
    const content = Buffer.alloc((1 << 20) + 17, "gantry");
    writeFileSync(file, content);
    const written = await signFile({ file, secretKeyFile: keys.secretKeyFile });
    expect(written.file).toBe(`${file}.minisig`);
    expect(written.trustedComment).toMatch(/^timestamp:\d+\tfile:archive\.tar\.gz\thashed$/);
    expect(verifyMinisign(content, readFileSync(written.file, "utf8"), keys.publicKey).keyId).toBe(
      keys.keyId,
    );
  });
});
