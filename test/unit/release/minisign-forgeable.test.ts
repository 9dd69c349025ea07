/** Public keys of small order: found here from the curve's equations, and refused wherever they appear. */
import { createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { encodePublicKey, parsePublicKey } from "../../../src/release/signing/minisign.ts";
import { findingsOf } from "../../support/build/scratch.ts";

const FIELD = 2n ** 255n - 19n;

function modulo(value: bigint): bigint {
  return ((value % FIELD) + FIELD) % FIELD;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = modulo(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

function inverse(value: bigint): bigint {
  return power(value, FIELD - 2n);
}

/** A square root, or undefined where there is none: RFC 8032, 5.1.3. */
function root(value: bigint): bigint | undefined {
  const candidate = power(value, (FIELD + 3n) / 8n);
  const turned = modulo(candidate * power(2n, (FIELD - 1n) / 4n));
  return [candidate, turned].find((x) => modulo(x * x - value) === 0n);
}

function bytesOf(y: bigint): Buffer {
  return Buffer.from(Buffer.from(y.toString(16).padStart(64, "0"), "hex").toReversed());
}

/**
 * y of the points of order 8, those that doubling takes to y = 0. The doubled y is (y² + x²) / (1 − d x² y²), which
 * vanishes where x² = −y²; on the curve −x² + y² = 1 + d x² y² that means d y⁴ + 2 y² − 1 = 0.
 */
function pointsOfOrder8(): bigint[] {
  const d = modulo(-121_665n * inverse(121_666n));
  const half = root(modulo(1n + d)) ?? 0n;
  const squares = [half, -half].map((sign) => modulo((sign - 1n) * inverse(d)));
  return squares.flatMap((square) => {
    const y = root(square);
    return y === undefined ? [] : [y, modulo(-y)];
  });
}

const small = [0n, 1n, FIELD - 1n, ...pointsOfOrder8()];

describe("keys for which anyone can forge", () => {
  it("are five values of y", () => {
    expect(new Set(small).size).toBe(5);
  });

  /** A signature of zeros fits one message in eight. OpenSSL 3.5.8 began to refuse such keys itself. */
  it("are all accepted by node:crypto, or none where its OpenSSL is new enough", () => {
    const spki = Buffer.from("302a300506032b6570032100", "hex");
    const forged = Buffer.concat([bytesOf(1n), Buffer.alloc(32)]);
    const messages = Array.from({ length: 400 }, (_, index) => Buffer.from(`message ${index}`));
    const believed = small.map((y) => {
      const key = createPublicKey({ key: Buffer.concat([spki, bytesOf(y)]), format: "der", type: "spki" });
      return messages.some((message) => verify(null, message, key, forged));
    });
    expect(new Set(believed).size).toBe(1);
  });

  it("are refused in every encoding: with either sign, and beyond the field", async () => {
    const values = [...small, FIELD, FIELD + 1n, FIELD + 18n];
    for (const point of values.flatMap((y) => [bytesOf(y), bytesOf(y | (1n << 255n))])) {
      const text = encodePublicKey({ keyId: Buffer.alloc(8), point });
      expect(await findingsOf(() => parsePublicKey(text))).toMatchObject([
        { code: "CONFIG_INVALID", what: expect.stringContaining("anyone could forge") },
      ]);
    }
  });

  it("are not their neighbours", () => {
    for (const y of [2n, FIELD - 2n]) {
      const text = encodePublicKey({ keyId: Buffer.alloc(8), point: bytesOf(y) });
      expect(parsePublicKey(text).point).toEqual(bytesOf(y));
    }
  });
});
