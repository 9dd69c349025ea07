import { createPublicKey, sign, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  createSecretKey,
  formatSecretKey,
  holdsSecretKey,
  parseSecretKey,
  privateKeyOf,
  unlockSecretKey,
} from "../../../src/release/signing/minisign-secret.ts";
import { encodePublicKey, formatKeyId } from "../../../src/release/signing/minisign.ts";
import { findingsOf } from "../../support/build/scratch.ts";
import {
  KEY_ID,
  KEY_LINE,
  PUBLIC_KEY,
  SECRET_KEY,
  SIGNATURE,
} from "../../support/release/minisign-vectors.ts";

/** libsodium's smallest: 1 MiB, a few milliseconds. What minisign itself uses is tried on the hosts. */
const CHEAP = { operations: 32_768, memory: 2 ** 24 };

/** A key's text with other bytes at an offset of its 158. */
function withBytes(text: string, offset: number, bytes: Uint8Array): string {
  const [comment, line = ""] = text.split("\n");
  const all = Buffer.from(line, "base64");
  all.set(bytes, offset);
  return `${comment}\n${all.toString("base64")}\n`;
}

describe("minisign's own secret key", () => {
  it("is read, and belongs to its public key", async () => {
    const key = await unlockSecretKey(parseSecretKey(SECRET_KEY, "k"), undefined, "k");
    expect(formatKeyId(key.keyId)).toBe(KEY_ID);
    expect(encodePublicKey(key)).toBe(KEY_LINE);
    expect(createPublicKey(privateKeyOf(key.seed)).export({ format: "jwk" })["x"]).toBe(
      Buffer.from(key.point).toString("base64url"),
    );
  });

  it("is written again as minisign wrote it", async () => {
    const key = await unlockSecretKey(parseSecretKey(SECRET_KEY, "k"), undefined, "k");
    const [, line] = (await formatSecretKey(key)).split("\n");
    expect(line).toBe(SECRET_KEY.split("\n")[1]);
  });
});

describe("a key with a password", () => {
  it("comes back with the password, and only with it", async () => {
    const key = createSecretKey();
    const text = await formatSecretKey(key, "grüße 🔑", CHEAP);
    const file = parseSecretKey(text, "k");
    expect(file.encrypted).toBe(true);
    const unlocked = await unlockSecretKey(file, "grüße 🔑", "k");
    expect([unlocked.keyId, unlocked.seed, unlocked.point]).toEqual([key.keyId, key.seed, key.point]);
    expect(text).not.toContain(Buffer.from(key.seed).toString("base64").slice(1, -2));
    expect(await findingsOf(() => unlockSecretKey(file, "grüße", "brain.key"))).toMatchObject([
      { code: "CONFIG_INVALID", what: expect.stringContaining("wrong password"), where: "brain.key" },
    ]);
    expect(await findingsOf(() => unlockSecretKey(file, undefined, "brain.key"))).toMatchObject([
      { code: "CONFIG_INVALID", what: expect.stringContaining("needs its password") },
    ]);
  });

  it("never has the same salt or seal twice", async () => {
    const key = createSecretKey();
    const [one, two] = [await formatSecretKey(key, "pw", CHEAP), await formatSecretKey(key, "pw", CHEAP)];
    const parts = [one, two].map((text) => {
      const bytes = Buffer.from(text.split("\n")[1]!, "base64");
      return [bytes.toString("hex", 6, 38), bytes.toString("hex", 54)];
    });
    expect(parts[0]![0]).not.toBe(parts[1]![0]);
    expect(parts[0]![1]).not.toBe(parts[1]![1]);
  });

  it.each([
    ["an empty one", ""],
    ["two lines", "one\ntwo"],
    ["a carriage return", "one\r"],
    ["NUL", "one\0two"],
    ["1024 bytes", "ü".repeat(512)],
  ])("is not made with a password that minisign could not be given: %s", async (_, password) => {
    const findings = await findingsOf(() => formatSecretKey(createSecretKey(), password, CHEAP));
    expect(findings).toMatchObject([{ code: "CONFIG_INVALID" }]);
  });
});

describe("damaged secret keys", () => {
  it("whose halves do not belong together are refused", async () => {
    for (const offset of [62, 93, 94, 125]) {
      const altered = withBytes(SECRET_KEY, offset, Buffer.from("?"));
      expect(await findingsOf(() => parseSecretKey(altered, "k"))).toMatchObject([
        { code: "CONFIG_INVALID", what: "the halves of this secret key do not belong together" },
      ]);
    }
  });

  it.each([
    ["a public key", PUBLIC_KEY, "not the base64 of 158 bytes"],
    ["a signature", SIGNATURE, "not one line of base64"],
    ["an empty file", "", "not one line of base64"],
    ["an unknown derivation", withBytes(SECRET_KEY, 2, Buffer.from("Bc")), "algorithms are not known"],
    ["an unknown checksum", withBytes(SECRET_KEY, 4, Buffer.from("B3")), "algorithms are not known"],
  ])("are refused by name: %s", async (_, text, why) => {
    expect(await findingsOf(() => parseSecretKey(text, "k"))).toMatchObject([
      { code: "CONFIG_INVALID", what: expect.stringContaining(why), where: "k" },
    ]);
  });

  it("cannot ask for more work than any honest key", async () => {
    const text = await formatSecretKey(createSecretKey(), "pw", CHEAP);
    const limits = (operations: bigint, memory: bigint) => {
      const bytes = Buffer.alloc(16);
      bytes.writeBigUInt64LE(operations);
      bytes.writeBigUInt64LE(memory, 8);
      return withBytes(text, 38, bytes);
    };
    const most = 2n ** 64n - 1n;
    for (const [operations, memory] of [
      [most, most],
      [most, 2n ** 24n],
      [2n ** 40n, 2n ** 40n],
    ]) {
      expect(await findingsOf(() => parseSecretKey(limits(operations!, memory!), "k"))).toMatchObject([
        { code: "CONFIG_INVALID", what: expect.stringContaining("would take hours") },
      ]);
    }
  });
});

describe("new keys", () => {
  it("are random, and sign what their own point verifies", () => {
    const [one, two] = [createSecretKey(), createSecretKey()];
    expect(one.seed).not.toEqual(two.seed);
    expect(one.keyId).not.toEqual(two.keyId);
    const message = Buffer.from("message");
    const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), one.point]);
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    expect(verify(null, message, key, sign(null, message, privateKeyOf(one.seed)))).toBe(true);
    expect(verify(null, message, key, sign(null, message, privateKeyOf(two.seed)))).toBe(false);
  });
});

describe("holdsSecretKey", () => {
  it("finds either kind of key inside other text, and no public half", async () => {
    const locked = await formatSecretKey(createSecretKey(), "pw", CHEAP);
    for (const text of [SECRET_KEY, locked]) {
      expect(holdsSecretKey(text)).toBe(true);
      expect(holdsSecretKey(`export KEY="${text.split("\n")[1]}"; run`)).toBe(true);
    }
    for (const text of [PUBLIC_KEY, SIGNATURE, "", "RWRTY0Iy"]) expect(holdsSecretKey(text)).toBe(false);
  });
});
