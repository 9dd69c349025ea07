import { describe, expect, it } from "vitest";
import { parseSecretKey, type SecretKey } from "../../../src/release/signing/minisign-secret.ts";
import { formatSignature } from "../../../src/release/signing/minisign-sign.ts";
import { createPrehash, verifyMinisign } from "../../../src/release/signing/minisign.ts";
import { findingsOf } from "../../support/build/scratch.ts";
import {
  COMMENT,
  KEY_ID,
  MESSAGE,
  PUBLIC_KEY,
  SECRET_KEY,
  SIGNATURE,
} from "../../support/release/minisign-vectors.ts";

function readKey(): SecretKey {
  const file = parseSecretKey(SECRET_KEY, "k");
  if (file.encrypted) throw new Error("the test's key has no password");
  return file.key;
}

/** The signature's file without its first line, which is nobody's business. */
function withoutUntrusted(text: string): string {
  return text.slice(text.indexOf("\n"));
}

const prehash = createPrehash().update(MESSAGE).digest();

describe("formatSignature", () => {
  it("writes what minisign wrote for the same key, message and comment", () => {
    expect(withoutUntrusted(formatSignature(prehash, readKey(), COMMENT))).toBe(withoutUntrusted(SIGNATURE));
  });

  it.each([
    ["nothing", ""],
    ["a tab and every alphabet", "a\tb ü 日本 🔑"],
    ["as long as minisign reads", "x".repeat(8173)],
  ])("takes a comment: %s", (_, comment) => {
    const text = formatSignature(prehash, readKey(), comment);
    expect(verifyMinisign(MESSAGE, text, PUBLIC_KEY)).toEqual({ keyId: KEY_ID, trustedComment: comment });
  });

  it.each([
    ["a line end", "one\ntwo", "control character"],
    ["a carriage return", "one\r", "control character"],
    ["NUL", "\0", "control character"],
    ["an escape", "\u001b[2J", "control character"],
    ["half a surrogate pair", "\ud83d", "control character"],
    ["too many bytes", "ü".repeat(4087), "too long"],
  ])("refuses a comment: %s", async (_, comment, why) => {
    expect(await findingsOf(() => formatSignature(prehash, readKey(), comment))).toMatchObject([
      { code: "USAGE", what: expect.stringContaining(why) },
    ]);
  });
});
