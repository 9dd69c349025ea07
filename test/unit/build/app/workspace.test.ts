import { describe, expect, it } from "vitest";
import { matchesWorkspace, readWorkspacePatterns } from "../../../../src/build/app/workspace.ts";
import { copyFixture, makeApp } from "../../../support/build/scratch.ts";

describe("matchesWorkspace", () => {
  const cases: [path: string, patterns: string[], member: boolean][] = [
    ["apps/brain", ["apps/*"], true],
    ["apps/brain", ["./apps/*/"], true],
    ["apps/brain", ["apps/brain"], true],
    ["apps/deep/brain", ["apps/*"], false],
    ["apps/deep/brain", ["apps/**"], true],
    ["apps/deep/brain", ["**/brain"], true],
    ["brain", ["**/brain"], true],
    ["apps/brain-two", ["apps/brain-*"], true],
    ["apps/brain", ["apps/*", "!apps/brain"], false],
    ["apps/brain", ["!apps/brain", "apps/*"], true],
    ["appsXbrain", ["apps.brain"], false],
    ["apps/brain", [], false],
    ["other/apps/brain", ["apps/*"], false],
  ];
  it.each(cases)("%s in %j is %s", (path, patterns, member) => {
    expect(matchesWorkspace(path, patterns)).toBe(member);
  });
});

describe("readWorkspacePatterns", () => {
  it.each(["bun", "npm", "pnpm"])("reads %s's", (manager) => {
    expect(readWorkspacePatterns(copyFixture("apps", `workspace-${manager}`))).toEqual([
      "apps/*",
      "packages/*",
    ]);
  });

  it("takes damaged files above the app for no workspace", () => {
    expect(readWorkspacePatterns(makeApp({ "package.json": "{" }))).toEqual([]);
    expect(readWorkspacePatterns(makeApp({ "pnpm-workspace.yaml": "packages: [" }))).toEqual([]);
    expect(readWorkspacePatterns(makeApp({ "package.json": { workspaces: "apps/*" } }))).toEqual([]);
  });
});
