/** Statements about keys as `keygen` writes them, and as `sign` lets them into a release. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { keygen } from "../../../../src/build/sign/keys.ts";
import { makeSums } from "../../../../src/build/pack/make-sums.ts";
import { signRelease } from "../../../../src/build/sign/sign.ts";
import { revokeKey, succeedKey } from "../../../../src/build/sign/statement.ts";
import { applyStatements } from "../../../../src/release/signing/key-succession.ts";
import { verifyMinisign } from "../../../../src/release/signing/minisign.ts";
import { findingsOf, makeDirectory } from "../../../support/build/scratch.ts";
import { makeRelease } from "../../../support/build/signed-release.ts";

async function makePair(directory: string, name: string) {
  const pair = {
    secretKeyFile: join(directory, `${name}.key`),
    publicKeyFile: join(directory, `${name}.pub`),
  };
  return { ...pair, ...(await keygen(pair)) };
}
const read = (file: string) => ({
  text: readFileSync(file, "utf8"),
  signature: readFileSync(`${file}.minisig`, "utf8"),
});

it("a successor's statement names both keys and is signed with the old one", async () => {
  const directory = makeDirectory();
  const old = await makePair(directory, "old");
  const made = await succeedKey({
    secretKeyFile: join(directory, "new.key"),
    publicKeyFile: join(directory, "new.pub"),
    predecessor: old.secretKeyFile,
    directory: join(directory, "keys"),
  });
  const { text, signature } = read(made.statement);
  expect(text).toBe(`gantry key statement 1\nkey ${old.publicKey}\nis succeeded by ${made.publicKey}\n`);
  expect(verifyMinisign(Buffer.from(text), signature, old.publicKey)).toMatchObject({ keyId: old.keyId });
  expect(readdirSync(join(directory, "keys"))).toEqual([
    `${old.keyId}-successor-${made.keyId}.txt`,
    `${old.keyId}-successor-${made.keyId}.txt.minisig`,
  ]);
  expect(readFileSync(join(directory, "new.pub"), "utf8")).toContain(made.publicKey);
  const ring = applyStatements({ pinned: [old.publicKey], revoked: [] }, [{ text, signature }]);
  expect(ring).toEqual({ pinned: [old.publicKey, made.publicKey], revoked: [] });
});

it("a revocation is written once, and is valid for every host that trusts the key", async () => {
  const directory = makeDirectory();
  const old = await makePair(directory, "old");
  const options = {
    revoked: old.publicKeyFile,
    secretKeyFile: old.secretKeyFile,
    directory: join(directory, "keys"),
  };
  const file = await revokeKey(options);
  expect(read(file).text).toBe(`gantry key statement 1\nkey ${old.publicKey}\nis revoked\n`);
  const ring = { pinned: [old.publicKey], revoked: [] };
  expect(applyStatements(ring, [read(file)])).toEqual({ ...ring, revoked: [old.publicKey] });
  expect((await findingsOf(() => revokeKey(options)))[0]).toMatchObject({
    code: "CONFIG_INVALID",
    where: file,
  });
});

describe("a text that is nearly a statement", () => {
  const KEY = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
  /** All zeros: one that anybody can forge for. */
  const FORGEABLE = `RW${"A".repeat(54)}`;
  it.each([
    `gantry key statement 2\nkey ${KEY}\nis revoked\n`,
    `gantry key statement 1\r\nkey ${KEY}\r\nis revoked\r\n`,
    `gantry key statement 1\nkey ${KEY}\nis revoked`,
    `gantry key statement 1\nkey ${KEY}\nis revoked\n\n`,
    `gantry key statement 1\nkey ${KEY}\nis succeeded by ${FORGEABLE}\n`,
    `gantry key statement 1\nkey ${FORGEABLE}\nis revoked\n`,
  ])("%j is none", async (text) => {
    const directory = makeDirectory();
    const { secretKeyFile } = await makePair(directory, "any");
    const { release } = await makeRelease();
    const ring = { pinned: [KEY], revoked: [] };
    expect(applyStatements(ring, [{ text, signature: "" }])).toEqual(ring);
    mkdirSync(join(release, "keys"));
    writeFileSync(join(release, "keys/x.txt"), text);
    writeFileSync(join(release, "SHA256SUMS"), makeSums(release));
    expect((await signRelease({ release, secretKeyFile })).keyId).toMatch(/^[0-9A-F]{16}$/);
  });
});

it("a release with a statement that nobody has signed is not signed", async () => {
  const { release, keys } = await makeRelease();
  const directory = join(release, "keys");
  const other = await makePair(makeDirectory(), "other");
  const file = await revokeKey({ revoked: other.publicKey, secretKeyFile: keys.secretKeyFile, directory });
  const sign = () => {
    writeFileSync(join(release, "SHA256SUMS"), makeSums(release));
    return signRelease({ release, secretKeyFile: keys.secretKeyFile });
  };
  await sign();
  rmSync(`${file}.minisig`);
  expect(await findingsOf(sign)).toMatchObject([{ code: "SIGNATURE_INVALID", where: file }]);
});
