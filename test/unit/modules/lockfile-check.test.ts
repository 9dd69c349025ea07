import { describe, expect, it } from "vitest";
import { checkLockfile } from "../../../src/modules/sources/lockfile-check.ts";
import { MANIFEST } from "../../support/modules/tree.ts";

const PACKAGE = '{"dependencies":{"needed":"1.0.0"},"optionalDependencies":{"@scope/extra":"1.0.0"}}';
/** As Bun writes it: trailing commas everywhere, and here a comment too. */
const LOCK = `{
  // a person was here
  "lockfileVersion": 1,
  "workspaces": { "": {}, },
  "packages": {
    "needed": ["needed@1.0.0", "", { "dependencies": { "shared": "^1, // not a comment", }, }, "sha512-aaa"],
    "shared": ["shared@1.0.0", "", {}, "sha512-bbb"],
    "@scope/extra": ["@scope/extra@1.0.0", "", { "optionalDependencies": { "@scope/extra-linux-x64": "1.0.0" } }, "sha512-ccc"],
    "@scope/extra-linux-x64": ["@scope/extra-linux-x64@1.0.0", "", { "os": "linux" }, "sha512-ddd"],
  },
}
`;
const where = { packageJson: "package.json", lockfile: "bun.lock" };
const check = (packageText: string, lockText: string) =>
  checkLockfile(MANIFEST, { packageJson: packageText, lockfile: lockText }, where);

describe("checkLockfile", () => {
  it("is content when all three agree, with an alias too", () => {
    expect(check(PACKAGE, LOCK)).toHaveProperty("lock");
    expect(check(PACKAGE.replace('"needed":"1.0.0"', '"needed":"npm:other@1.0.0"'), LOCK)).toHaveProperty(
      "lock",
    );
  });

  it.each([
    [
      "another version in package.json",
      PACKAGE.replace("1.0.0", "1.0.1"),
      LOCK,
      /needed 1\.0\.1.*has 1\.0\.0/,
    ],
    [
      "a package that the lock lacks",
      PACKAGE.replace("needed", "other"),
      LOCK,
      /other 1\.0\.0.*does not have it/,
    ],
    [
      "another version in the lock",
      PACKAGE,
      LOCK.replace("shared@1.0.0", "shared@2.0.0"),
      /shared 1\.0\.0.*has 2/,
    ],
    ["a damaged lock", PACKAGE, LOCK.slice(0, 80), /bun\.lock is damaged/],
    ["a damaged package.json", "{", LOCK, /package\.json is damaged/],
  ])("refuses %s", (_, packageText, lockText, message) => {
    expect(check(packageText, lockText)).toMatchObject({
      finding: { code: "MANIFEST_INVALID", what: expect.stringMatching(message) },
    });
  });
});
