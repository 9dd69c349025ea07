import { describe, expect, it } from "vitest";
import { lockKey, parseBunLock } from "../../../src/release/bun-lock.ts";

/** As Bun writes it, trailing commas everywhere, and with both kinds of comment, which Bun takes. */
const LOCK = `{
  // a person was here
  "lockfileVersion": 1,
  "workspaces": { "": { "dependencies": { "needed": "^1.0.0", }, }, },
  /* and again */
  "packages": {
    "needed": ["needed@1.0.0", "", { "dependencies": { "shared": "^1, // not a comment", }, }, "sha512-aaa"],
    "shared": ["shared@1.0.0", "", {}, "sha512-bbb"],
    "@scope/extra": ["@scope/extra@1.0.0", "", { "optionalDependencies": { "@scope/extra-linux-x64": "1.0.0" } }, "sha512-ccc"],
    "member": ["member@workspace:packages/member"],
    "git": ["git@github:o/r#1234567", {}, "o-r-1234567"],
  },
}
`;

const lockOf = (text: string) => {
  const parsed = parseBunLock(text);
  if ("lock" in parsed) return parsed.lock;
  throw new Error(parsed.problem.what);
};

describe("parseBunLock", () => {
  it("reads names, versions, hashes and dependencies, past comments", () => {
    const { packages } = lockOf(LOCK);
    expect([...packages.keys()]).toEqual(["needed", "shared", "@scope/extra", "member", "git"]);
    expect(packages.get("needed")).toMatchObject({
      kind: "registry",
      version: "1.0.0",
      integrity: "sha512-aaa",
      info: { dependencies: { shared: "^1, // not a comment" } },
    });
    expect(packages.get("@scope/extra")).toMatchObject({ name: "@scope/extra", integrity: "sha512-ccc" });
    expect(packages.get("member")).toMatchObject({ kind: "workspace", source: "workspace:packages/member" });
    expect(packages.get("git")).toMatchObject({ kind: "other", source: "github:o/r#1234567" });
  });

  it.each(["", "{", "[]", "{}", '{"packages": 1}', LOCK.slice(0, 200)])(
    "does not take %j for a lock",
    (text) => {
      expect(parseBunLock(text)).toMatchObject({ problem: { what: expect.stringMatching(/damaged/) } });
    },
  );

  it("does not guess at a newer version", () => {
    const newer = LOCK.replace('"lockfileVersion": 1', '"lockfileVersion": 3');
    expect(parseBunLock(newer)).toMatchObject({ problem: { what: expect.stringMatching(/version 3/) } });
  });
});

it("finds nested modules by Bun's keys", () => {
  expect(lockKey("@a/b/node_modules/@c/d")).toBe("@a/b/@c/d");
});
