import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { GantryError } from "../../../src/base/errors.ts";
import {
  createPrehash,
  decodeBase64,
  encodePublicKey,
  formatKeyId,
  parsePublicKey,
  parseSignature,
  verifyMinisign,
} from "../../../src/release/signing/minisign.ts";
import { findingsOf } from "../../support/build/scratch.ts";
import {
  COMMENT,
  KEY_ID,
  KEY_LINE,
  LEGACY_SIGNATURE,
  MESSAGE,
  PUBLIC_KEY,
  SIGNATURE,
} from "../../support/release/minisign-vectors.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");

/** The code and sentence that a check fails with, or `accepted`. */
function outcome(check: () => unknown): string {
  try {
    check();
    return "accepted";
  } catch (error) {
    if (error instanceof GantryError) return error.message;
    throw error;
  }
}

describe("signatures made by minisign", () => {
  it.each([
    ["prehashed", SIGNATURE, COMMENT],
    ["legacy", LEGACY_SIGNATURE, "grüße"],
    ["with CRLF line ends", SIGNATURE.replaceAll("\n", "\r\n"), COMMENT],
    ["without the last line end", SIGNATURE.trimEnd(), COMMENT],
  ])("are accepted: %s", (_, signature, trustedComment) => {
    expect(verifyMinisign(MESSAGE, signature, PUBLIC_KEY)).toEqual({ keyId: KEY_ID, trustedComment });
  });

  it("are accepted with the key's line alone", () => {
    expect(verifyMinisign(MESSAGE, SIGNATURE, KEY_LINE).keyId).toBe(KEY_ID);
  });

  it("sign every bit of the message", () => {
    for (let bit = 0; bit < MESSAGE.length * 8; bit += 1) {
      const altered = Buffer.from(MESSAGE);
      altered[bit >> 3] = altered[bit >> 3]! ^ (1 << (bit & 7));
      for (const signature of [SIGNATURE, LEGACY_SIGNATURE]) {
        expect(outcome(() => verifyMinisign(altered, signature, PUBLIC_KEY))).toContain(
          "SIGNATURE_INVALID: the signature does not match",
        );
      }
    }
    expect(outcome(() => verifyMinisign(MESSAGE.subarray(1), SIGNATURE, PUBLIC_KEY))).toContain(
      "does not match",
    );
  });
});

describe("altered signature files", () => {
  const untrusted = "untrusted comment: ".length;
  const commentEnd = SIGNATURE.indexOf("\n");

  it("are refused for a change of any character but the untrusted comment's", () => {
    const accepted = Array.from(SIGNATURE, (_, index) => index).filter((index) => {
      const other = SIGNATURE[index] === "A" ? "B" : "A";
      const altered = SIGNATURE.slice(0, index) + other + SIGNATURE.slice(index + 1);
      return outcome(() => verifyMinisign(MESSAGE, altered, PUBLIC_KEY)) === "accepted";
    });
    const comment = Array.from({ length: commentEnd - untrusted }, (_, index) => untrusted + index);
    expect(accepted).toEqual(comment);
  });

  it("are refused when cut anywhere before the last character", () => {
    for (let length = 0; length < SIGNATURE.length - 1; length += 1) {
      const cut = SIGNATURE.slice(0, length);
      expect(outcome(() => verifyMinisign(MESSAGE, cut, PUBLIC_KEY))).toMatch(/^SIGNATURE_INVALID: /);
    }
  });

  it.each([
    ["a fifth line", `${SIGNATURE}more\n`, "text follows its fourth line"],
    ["a comment that goes on after CR", SIGNATURE.replace("grüße", "grüße\rmore"), "carriage return"],
    ["a comment that goes on after NUL", SIGNATURE.replace("grüße", "grüße\0more"), "carriage return or NUL"],
    ["no trusted comment", SIGNATURE.replace("\ntrusted", "\ntrustful"), "line 3 does not begin with"],
    ["no untrusted comment", SIGNATURE.replace("untrusted", "un-trusted"), "line 1 does not begin with"],
    ["an unknown algorithm", SIGNATURE.replace("\nRUQ", "\nRUU"), "its algorithm is not known"],
    ["another trusted comment", SIGNATURE.replace("1700000000", "1800000000"), "trusted comment"],
    ["the other form's algorithm", SIGNATURE.replace("\nRUQ", "\nRWQ"), "does not match"],
    // The last base64 digit before the padding holds two bits that belong to no byte.
    ["base64 with stray bits", SIGNATURE.replace("xtwU=", "xtwV="), "line 2 is damaged"],
    ["base64 with a space", SIGNATURE.replace("xtwU=", "xtwU ="), "line 2 is damaged"],
    ["a web page", "<!doctype html>\n<title>404</title>\n", "fewer than four lines"],
  ])("are refused by name: %s", (_, signature, why) => {
    const said = outcome(() => verifyMinisign(MESSAGE, signature, PUBLIC_KEY));
    expect(said).toMatch(/^SIGNATURE_INVALID: /);
    expect(said).toContain(why);
  });

  it("are refused when the second signature is the other file's", () => {
    const lines = SIGNATURE.split("\n");
    lines[3] = LEGACY_SIGNATURE.split("\n")[3]!;
    expect(outcome(() => verifyMinisign(MESSAGE, lines.join("\n"), PUBLIC_KEY))).toContain("trusted comment");
  });

  it("name the file that they were read from", async () => {
    expect(await findingsOf(() => parseSignature("", "brain/SHA256SUMS.minisig"))).toMatchObject([
      { code: "SIGNATURE_INVALID", where: "brain/SHA256SUMS.minisig" },
    ]);
  });
});

describe("public keys", () => {
  it("show the ids that minisign shows: its own releases' key", () => {
    const line = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const key = parsePublicKey(line);
    expect(formatKeyId(key.keyId)).toBe("E7620F1842B4E81F");
    expect(encodePublicKey(key)).toBe(line);
  });

  it("keep the zeros at the front of an id", () => {
    expect(formatKeyId(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))).toBe("0000000000000001");
  });

  it("say whose key a signature is when it is another's", () => {
    const other = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    expect(outcome(() => verifyMinisign(MESSAGE, SIGNATURE, other))).toBe(
      `SIGNATURE_INVALID: signed with key ${KEY_ID}, and the key to trust is E7620F1842B4E81F`,
    );
  });

  it("are not believed for their id alone", () => {
    const other = parsePublicKey("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3");
    const disguised = encodePublicKey({ keyId: parsePublicKey(KEY_LINE).keyId, point: other.point });
    expect(outcome(() => verifyMinisign(MESSAGE, SIGNATURE, disguised))).toContain("does not match");
  });

  it.each([
    ["nothing", "", "not one line of base64"],
    ["a third line", `${PUBLIC_KEY}${KEY_LINE}\n`, "not one line of base64"],
    ["a short key", KEY_LINE.slice(0, 52), "not the base64 of 42 bytes"],
    ["a signature", SIGNATURE, "not one line of base64"],
    ["another algorithm", KEY_LINE.replace("RW", "RU"), "its algorithm is not known"],
    ["a placeholder of zeros", `RWQECYZQjI76Z${"A".repeat(43)}`, "anyone could forge"],
  ])("are refused: %s", (_, text, why) => {
    const said = outcome(() => parsePublicKey(text));
    expect(said).toMatch(/^CONFIG_INVALID: /);
    expect(said).toContain(why);
  });
});

describe("decodeBase64", () => {
  it("takes canonical text of the right length only", () => {
    expect(decodeBase64("AQI=", 2)).toEqual(Buffer.from([1, 2]));
    for (const text of ["AQJ=", "AQI", "AQI=\n", " AQI=", "AQ-_", "AQID"]) {
      expect(decodeBase64(text, 2)).toBeUndefined();
    }
  });
});

describe("under Bun, where the launcher runs", () => {
  it("accepts and refuses the same", () => {
    const script = `
      import { verifyMinisign, parsePublicKey, createPrehash } from "./src/release/signing/minisign.ts";
      import { MESSAGE, PUBLIC_KEY, SIGNATURE, LEGACY_SIGNATURE } from "./test/support/release/minisign-vectors.ts";
      const outcome = (check) => { try { return check(); } catch (error) { return error.message; } };
      const zeros = "RWQECYZQjI76Z" + "A".repeat(43);
      console.log(JSON.stringify([
        createPrehash().update("").digest("hex"),
        outcome(() => verifyMinisign(MESSAGE, SIGNATURE, PUBLIC_KEY)),
        outcome(() => verifyMinisign(MESSAGE, LEGACY_SIGNATURE, PUBLIC_KEY)),
        outcome(() => verifyMinisign(MESSAGE.subarray(1), SIGNATURE, PUBLIC_KEY)),
        outcome(() => verifyMinisign(MESSAGE, SIGNATURE.replace("17", "18"), PUBLIC_KEY)),
        outcome(() => parsePublicKey(zeros)),
      ]));`;
    const bun = join(REPOSITORY, "node_modules/bun/bin/bun.exe");
    const output = execFileSync(bun, ["-e", script], { cwd: REPOSITORY, encoding: "utf8" });
    expect(JSON.parse(output)).toEqual([
      createPrehash().update("").digest("hex"),
      { keyId: KEY_ID, trustedComment: COMMENT },
      { keyId: KEY_ID, trustedComment: "grüße" },
      expect.stringContaining("the signature does not match"),
      expect.stringContaining("the trusted comment of the signature was altered"),
      expect.stringContaining("anyone could forge"),
    ]);
  });
});
