/** The ways that a release claims, and the lines of the table. */
import { describe, expect, it } from "vitest";
import { describeStart } from "../../../../src/build/smoke/index.ts";
import { claimedWays, obstacleOf } from "../../../../src/build/smoke/ways.ts";

const modules = { a: { name: "a", version: "1.0.0", neededBy: ["a"], files: {} } } as never;

describe("the ways of a release", () => {
  it.each([
    ["first-run", false, ["registry"]],
    ["first-run", true, ["vendor", "registry"]],
    ["vendor", true, ["vendor"]],
    ["image", true, ["vendor"]],
    ["image", false, ["registry"]],
  ] as const)("of %s with a bundle: %s", (install, carries, ways) => {
    expect(claimedWays({ install, modules }, carries)).toEqual(ways);
  });
  it("are one without modules", () => {
    expect(claimedWays({ install: "vendor", modules: {} }, false)).toEqual(["no modules"]);
  });
  it("have their obstacles", () => {
    const none = { unsigned: false, npmMissing: false };
    expect(obstacleOf("vendor", none)).toBeUndefined();
    expect(obstacleOf("vendor", { ...none, unsigned: true })).toMatch(/signed/);
    expect(obstacleOf("registry", { ...none, unsigned: true })).toBeUndefined();
    expect(obstacleOf("registry", { ...none, npmMissing: true })).toMatch(/npm/);
  });
});

describe("the table", () => {
  it("tells of each start", () => {
    const lines = describeStart({
      state: "started",
      network: "open",
      starts: [
        { way: "vendor", outcome: "listening", seconds: 0.44, address: "127.0.0.1:3000" },
        { way: "registry", outcome: "exited", seconds: 0.2, exit: 1, said: "PORT is missing" },
        { way: "installed modules", outcome: "running", seconds: 5.01, killed: true, instead: "no network" },
      ],
    });
    expect(lines).toEqual([
      "started: listening on 127.0.0.1:3000 after 0.4 s (vendor)",
      "started: exited with 1 after 0.2 s (registry)",
      "         PORT is missing",
      "started: running after 5.0 s (installed modules)",
      "         not as a host would start it: no network",
      "         it did not end after SIGTERM",
      "         without isolation: the network was open to it",
    ]);
  });
  it("says when there was none", () => {
    expect(describeStart({ state: "not here" })).toEqual(["started: not started here"]);
    expect(describeStart({ state: "skipped" })).toEqual(["started: no (--no-smoke)"]);
  });
});
