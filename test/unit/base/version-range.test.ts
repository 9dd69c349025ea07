import { expect, it } from "vitest";
import { satisfiesRange } from "../../../src/base/version-range.ts";

/** Range, a release that satisfies it, and one that does not. */
const cases: [range: string, inside: string, outside: string][] = [
  ["20.19.0", "20.19.0", "20.19.1"],
  ["v22", "22.0.0", "23.0.0"],
  ["22.x", "22.9.9", "21.9.9"],
  ["20.11", "20.11.5", "20.12.0"],
  [">=20", "26.0.0", "19.9.9"],
  [">20", "21.0.0", "20.99.0"],
  [">= 18.0.0 < 22", "21.5.0", "22.0.0"],
  ["<=22", "22.5.0", "23.0.0"],
  ["^20.19.0 || >=22.12.0", "22.12.0", "21.0.0"],
  ["^0.2.3", "0.2.9", "0.3.0"],
  ["^0.0.3", "0.0.3", "0.0.4"],
  ["^22.3.1", "22.4.0", "22.3.0"],
  ["~22.3.1", "22.3.9", "22.4.0"],
  ["~22", "22.9.0", "23.0.0"],
  ["18 - 22", "22.21.0", "23.0.0"],
  ["18.1.0 - 20.2.0", "20.2.0", "20.2.1"],
];

it.each(cases)("%s has %s, and not %s", (range, inside, outside) => {
  expect(satisfiesRange(inside, range)).toBe(true);
  expect(satisfiesRange(outside, range)).toBe(false);
});

it("takes every release for * and for no word at all", () => {
  expect(["*", "", "x", "18 || *"].map((range) => satisfiesRange("99.1.2", range))).toEqual(
    Array(4).fill(true),
  );
});

it("says of a text that is no range that it is none", () => {
  expect(["lts/none", ">=20 || nightly", "^"].map((range) => satisfiesRange("20.19.0", range))).toEqual(
    Array(3).fill(undefined),
  );
});
