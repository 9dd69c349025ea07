import { describe, expect, it } from "vitest";
import {
  acceptsTarget,
  cpuFlagOfBun,
  parseTarget,
  runsOn,
  targetOfHost,
  targetSuffix,
} from "../../../src/release/targets.ts";
import { releaseName } from "../../../src/release/layout.ts";

describe("targets", () => {
  it.each([
    ["linux-x64-gnu", "test-brain-v0.1.0-linux-x64"],
    ["linux-x64-musl", "test-brain-v0.1.0-linux-x64-musl"],
    ["linux-x64-gnu-baseline", "test-brain-v0.1.0-linux-x64-baseline"],
    ["linux-arm64-gnu", "test-brain-v0.1.0-linux-arm64"],
    ["darwin-arm64", "test-brain-v0.1.0-darwin-arm64"],
  ])("%s gives the release directory %s", (target, directory) => {
    expect(releaseName("test-brain", "0.1.0", parseTarget(target))).toBe(directory);
  });

  it("makes one word of a scoped package's name", () => {
    expect(releaseName("@acme/brain", "1.0.0", parseTarget("linux-x64-gnu"))).toBe(
      "acme-brain-v1.0.0-linux-x64",
    );
  });

  it("refuses an unknown name and lists the known ones", () => {
    expect(() => parseTarget("linux-x86")).toThrow(/USAGE: there is no target "linux-x86"/);
  });

  it("knows where a baseline build runs", () => {
    const host = targetOfHost("linux", "x64", "gnu");
    expect(runsOn(parseTarget("linux-x64-gnu-baseline"), host)).toBe(true);
    expect(runsOn(parseTarget("linux-x64-musl"), host)).toBe(false);
    expect(runsOn(parseTarget("linux-arm64-gnu"), host)).toBe(false);
    expect(() => targetOfHost("win32", "x64", "gnu")).toThrow(/HOST_UNSUPPORTED/);
    expect(targetSuffix(host)).toBe("linux-x64");
  });

  it.each([
    [{}, true],
    [{ os: ["linux"], cpu: ["x64"] }, true],
    [{ os: ["linux"], cpu: ["x64"], libc: ["musl"] }, false],
    [{ os: ["linux"], cpu: ["x64"], libc: ["glibc"] }, true],
    [{ os: ["!linux"] }, false],
    [{ os: ["!win32"] }, true],
    [{ cpu: ["arm64"] }, false],
  ])("a package with %j is for linux-x64-gnu: %s", (fields, accepted) => {
    expect(acceptsTarget(fields, parseTarget("linux-x64-gnu"))).toBe(accepted);
  });

  it.each([
    ["linux-x64-gnu", "1.2.16", "avx2"],
    ["linux-x64-musl", "1.3.14", "avx2"],
    ["linux-x64-gnu-baseline", "1.3.14", "sse4_2"],
    ["linux-x64-gnu", "1.4.0", "sse4_2"],
    ["linux-x64-musl-baseline", "1.4.5", "sse4_2"],
    ["linux-x64-gnu", "2.0.0", "sse4_2"],
    ["linux-arm64-gnu", "1.3.14", undefined],
    ["darwin-x64", "1.3.14", undefined],
  ] as const)("knows what the Bun of %s %s needs of the processor", (target, version, flag) => {
    expect(cpuFlagOfBun(parseTarget(target), version)).toBe(flag);
  });
});
