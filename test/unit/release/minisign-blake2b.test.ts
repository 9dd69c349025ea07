import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { blake2b } from "../../../src/release/signing/minisign-blake2b.ts";

describe("blake2b", () => {
  it("agrees with node:crypto where that has it: 64 bytes, around every block's edge", () => {
    for (const length of [0, 1, 74, 127, 128, 129, 255, 256, 257, 1000]) {
      const message = Buffer.from(Array.from({ length }, (_, index) => (index * 7 + 3) & 255));
      expect(blake2b(message, 64)).toEqual(createHash("blake2b512").update(message).digest());
    }
  });

  it("gives the published digests of 32 bytes", () => {
    // From `b2sum -l 256` of GNU coreutils 9.1.
    expect(blake2b(Buffer.from(""), 32).toString("hex")).toBe(
      "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8",
    );
    expect(blake2b(Buffer.from("abc"), 32).toString("hex")).toBe(
      "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
    );
  });
});
