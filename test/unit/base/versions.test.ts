import { expect, it } from "vitest";
import { compareDotted, compareVersions } from "../../../src/base/versions.ts";

/** In the order of https://semver.org, item 11, with its own examples. */
const ASCENDING = [
  "0.9.10",
  "0.10.0",
  "1.0.0-0",
  "1.0.0-2",
  "1.0.0-10",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "2.0.0",
  "2.1.0",
  "2.1.1",
  "20260101235959999999999.0.0",
  "20260101235959999999999.0.1",
];

it("orders every pair of versions as semver does", () => {
  for (const [i, left] of ASCENDING.entries()) {
    for (const [j, right] of ASCENDING.entries())
      expect([left, right, Math.sign(compareVersions(left, right) ?? Number.NaN)]).toEqual([
        left,
        right,
        Math.sign(i - j),
      ]);
  }
});

it("takes no account of build metadata, and does not guess", () => {
  expect(compareVersions("1.0.0+a", "1.0.0+b")).toBe(0);
  expect(compareVersions("1.0.0-rc.1+5", "1.0.0-rc.1")).toBe(0);
  for (const other of ["1.0", "v1.0.0", "1.0.0 ", "", "latest", "1.0.0-", "1.0.0_1"])
    expect(compareVersions("1.0.0", other)).toBeUndefined();
});

it.each([
  ["1.3.7", "1.3.7", 0],
  ["1.3.6", "1.3.7", -1],
  ["1.3.14", "1.3.7", 1],
  ["1.10.0", "1.9.9", 1],
  ["2.0.0", "1.99.99", 1],
  ["1.4.0-canary.3+abc", "1.4.0", 0],
  ["1.4.0-canary.3+abc", "1.4.1", -1],
  ["2.28", "2.28.0", 0],
  ["2.9", "2.28", -1],
  ["3.4.29", "3.4", 1],
])("orders dotted numbers: %s against %s", (left, right, sign) => {
  expect(Math.sign(compareDotted(left, right))).toBe(sign);
});
