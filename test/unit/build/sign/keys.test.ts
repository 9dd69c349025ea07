import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { keygen, needsPassword, readPublicKey, readSecretKey } from "../../../../src/build/sign/keys.ts";
import { encodePublicKey, formatKeyId } from "../../../../src/release/signing/minisign.ts";
import { PUBLIC_KEY, SECRET_KEY } from "../../../support/release/minisign-vectors.ts";
import { findingsOf, makeDirectory, makeApp } from "../../../support/build/scratch.ts";

function modeOf(path: string): number {
  return statSync(path).mode & 0o7777;
}

describe("keygen", () => {
  it.each([0o000, 0o077])("makes a pair with the modes of its kind, under umask %o", async (umask) => {
    const directory = makeDirectory();
    const [publicKeyFile, secretKeyFile] = [join(directory, "a.pub"), join(directory, "deep/secret/a.key")];
    const before = process.umask(umask);
    try {
      expect(await keygen({ publicKeyFile, secretKeyFile })).toMatchObject({ publicKeyFile, secretKeyFile });
    } finally {
      process.umask(before);
    }
    expect(modeOf(secretKeyFile)).toBe(0o600);
    expect(modeOf(join(directory, "deep/secret"))).toBe(0o700);
    expect(modeOf(publicKeyFile)).toBe(0o644);
  });

  it("makes a pair that belongs together", async () => {
    const directory = makeDirectory();
    const [publicKeyFile, secretKeyFile] = [join(directory, "a.pub"), join(directory, "a.key")];
    const made = await keygen({ publicKeyFile, secretKeyFile });
    const key = await readSecretKey(secretKeyFile);
    expect(encodePublicKey(key)).toBe(made.publicKey);
    expect(encodePublicKey(readPublicKey(publicKeyFile))).toBe(made.publicKey);
    expect(encodePublicKey(readPublicKey(made.publicKey))).toBe(made.publicKey);
    expect(readFileSync(publicKeyFile, "utf8")).toBe(
      `untrusted comment: minisign public key ${formatKeyId(key.keyId)}\n${made.publicKey}\n`,
    );
    expect(needsPassword(secretKeyFile)).toBe(false);
  });

  it("overwrites neither half nor a dangling link, and names every existing file", async () => {
    const directory = makeDirectory();
    const [publicKeyFile, secretKeyFile] = [join(directory, "a.pub"), join(directory, "a.key")];
    writeFileSync(publicKeyFile, "mine");
    expect(await findingsOf(() => keygen({ publicKeyFile, secretKeyFile }))).toMatchObject([
      { code: "CONFIG_INVALID", where: publicKeyFile },
    ]);
    expect(existsSync(secretKeyFile)).toBe(false);
    symlinkSync(join(directory, "nowhere"), secretKeyFile);
    expect(await findingsOf(() => keygen({ publicKeyFile, secretKeyFile }))).toMatchObject([
      { code: "CONFIG_INVALID", where: secretKeyFile },
      { code: "CONFIG_INVALID", where: publicKeyFile },
    ]);
    expect(readFileSync(publicKeyFile, "utf8")).toBe("mine");
    expect(existsSync(join(directory, "nowhere"))).toBe(false);
  });

  it("refuses one name for both", async () => {
    const file = join(makeDirectory(), "key");
    const findings = await findingsOf(() => keygen({ publicKeyFile: file, secretKeyFile: file }));
    expect(findings).toMatchObject([{ code: "USAGE", where: file }]);
    expect(existsSync(file)).toBe(false);
  });

  it("refuses a secret key anywhere inside a release, through a link as well", async () => {
    const release = makeApp({ "lib/release.json": {} });
    mkdirSync(join(release, "deep/er"), { recursive: true });
    const outside = makeDirectory();
    symlinkSync(join(release, "deep"), join(outside, "elsewhere"));
    for (const secretKeyFile of [
      join(release, "a.key"),
      join(release, "deep/er/a.key"),
      join(release, "new/directory/a.key"),
      join(outside, "elsewhere/er/a.key"),
    ]) {
      const findings = await findingsOf(() =>
        keygen({ publicKeyFile: join(outside, "a.pub"), secretKeyFile }),
      );
      expect(findings).toMatchObject([
        { code: "CONFIG_INVALID", what: expect.stringContaining("inside the release"), where: secretKeyFile },
      ]);
      expect(existsSync(secretKeyFile)).toBe(false);
    }
  });

  it("leaves no half pair behind when the public key cannot be written", async () => {
    const directory = makeDirectory();
    const secretKeyFile = join(directory, "a.key");
    // No file can be made in /proc, not even by root.
    await expect(keygen({ publicKeyFile: "/proc/self/a.pub", secretKeyFile })).rejects.toThrow(/^E[A-Z]+: /);
    expect(existsSync(secretKeyFile)).toBe(false);
  });

  it("refuses an empty password before it writes anything", async () => {
    const directory = makeDirectory();
    const files = { publicKeyFile: join(directory, "a.pub"), secretKeyFile: join(directory, "a.key") };
    expect(await findingsOf(() => keygen({ ...files, password: "" }))).toMatchObject([
      { code: "CONFIG_INVALID", what: "the password is empty" },
    ]);
    expect(existsSync(files.secretKeyFile)).toBe(false);
  });
});

describe("reading keys", () => {
  it("says which kind of key is missing, and where", async () => {
    const file = join(makeDirectory(), "none");
    expect(await findingsOf(() => readPublicKey(file))).toMatchObject([
      { code: "CONFIG_INVALID", what: "the public key is not there", where: file },
    ]);
    expect(await findingsOf(() => readSecretKey(file))).toMatchObject([
      { code: "CONFIG_INVALID", what: "the secret key is not there", where: file },
    ]);
  });

  it("does not take one kind for the other", async () => {
    const directory = makeApp({ "a.pub": PUBLIC_KEY, "a.key": SECRET_KEY });
    const [publicKeyFile, secretKeyFile] = [join(directory, "a.pub"), join(directory, "a.key")];
    expect(await findingsOf(() => readPublicKey(secretKeyFile))).toMatchObject([
      { code: "CONFIG_INVALID", where: secretKeyFile },
    ]);
    expect(await findingsOf(() => needsPassword(publicKeyFile))).toMatchObject([
      { code: "CONFIG_INVALID", where: publicKeyFile },
    ]);
  });

  it("ignores a password that the key does not need", async () => {
    const file = join(makeApp({ "a.key": SECRET_KEY }), "a.key");
    expect((await readSecretKey(file, "any")).seed).toEqual((await readSecretKey(file)).seed);
  });

  it("does not use a secret key that lies inside a release", async () => {
    const release = makeApp({ "lib/release.json": {}, "keys/a.key": SECRET_KEY });
    const inside = join(release, "keys/a.key");
    const link = join(makeDirectory(), "a.key");
    symlinkSync(inside, link);
    for (const file of [inside, link]) {
      expect(await findingsOf(() => readSecretKey(file))).toMatchObject([
        { code: "CONFIG_INVALID", what: expect.stringContaining("inside the release"), where: file },
      ]);
    }
    const copy = join(makeDirectory(), "a.key");
    copyFileSync(inside, copy);
    expect((await readSecretKey(copy)).seed).toHaveLength(32);
  });
});
