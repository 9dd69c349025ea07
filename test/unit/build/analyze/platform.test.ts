import { describe, expect, it } from "vitest";
import {
  isPlatformPackage,
  platformOfName,
  platformRefusal,
  type PlatformFields,
} from "../../../../src/build/analyze/platform.ts";
import { parseTarget } from "../../../../src/release/targets.ts";

describe("platformOfName", () => {
  const names: [string, string | undefined, string | undefined, string | undefined][] = [
    ["@libsql/linux-x64-gnu", "linux", "x64", "gnu"],
    ["@libsql/linux-x64-musl", "linux", "x64", "musl"],
    ["@libsql/linux-arm-musleabihf", "linux", "arm", "musl"],
    ["@libsql/win32-x64-msvc", "win32", "x64", undefined],
    ["@img/sharp-linuxmusl-arm64", "linux", "arm64", "musl"],
    ["@img/sharp-libvips-linux-x64", "linux", "x64", undefined],
    ["@img/sharp-wasm32", "wasm", "wasm32", undefined],
    ["@oven/bun-linux-x64-musl-baseline", "linux", "x64", "musl"],
    ["@oven/bun-darwin-aarch64", "darwin", "arm64", undefined],
    ["@node-rs/argon2-linux-arm-gnueabihf", "linux", "arm", "gnu"],
    ["@swc/core-linux-x64-gnu", "linux", "x64", "gnu"],
    ["node-windows-x86_64", "win32", "x64", undefined],
    ["fsevents", undefined, undefined, undefined],
    ["armadillo", undefined, undefined, undefined],
    ["constructor", undefined, undefined, undefined],
  ];
  it.each(names)("%s", (name, os, cpu, libc) => {
    expect(platformOfName(name)).toEqual({ os, cpu, libc });
  });
});

describe("isPlatformPackage", () => {
  const cases: [string, PlatformFields, boolean][] = [
    ["@libsql/linux-x64-gnu", {}, true],
    ["odd-name", { os: ["linux"], cpu: ["x64"] }, true],
    ["fsevents", { os: ["darwin"] }, false],
    // libsql itself lists what it supports; that makes it no variant.
    ["libsql", { os: ["linux", "darwin"], cpu: ["x64", "arm64"] }, false],
    ["linux-tools", {}, false],
  ];
  it.each(cases)("%s %j: %s", (name, fields, expected) => {
    expect(isPlatformPackage(name, fields)).toBe(expected);
  });
});

describe("platformRefusal", () => {
  const sharp = ["@img/sharp-linux-x64", "@img/sharp-linuxmusl-x64", "@img/sharp-linux-arm64"];
  const bun = ["@oven/bun-linux-x64", "@oven/bun-linux-x64-musl"];
  const linux: PlatformFields = { os: ["linux"], cpu: ["x64"] };
  const cases: [string, PlatformFields, string, readonly string[], RegExp | undefined][] = [
    ["@libsql/linux-x64-gnu", linux, "linux-x64-gnu", [], undefined],
    ["@libsql/linux-x64-gnu", linux, "linux-x64-gnu-baseline", [], undefined],
    ["win32", {}, "linux-x64-gnu", [], undefined],
    ["is-arm", {}, "linux-x64-gnu", [], undefined],
    [
      "@libsql/linux-x64-musl",
      linux,
      "linux-x64-gnu",
      [],
      /made for musl, by its name \(it declares no libc\)/,
    ],
    ["@libsql/linux-x64-gnu", linux, "linux-x64-musl", [], /made for glibc, by its name/],
    ["@libsql/linux-x64-gnu", linux, "linux-arm64-gnu", [], /by its own os, cpu and libc fields/],
    ["@libsql/darwin-x64", {}, "linux-x64-gnu", [], /made for darwin, by its name/],
    ["@libsql/linux-arm64-gnu", {}, "linux-x64-gnu", [], /made for arm64, by its name/],
    ["@img/sharp-linux-x64", linux, "linux-x64-gnu", sharp, undefined],
    [
      "@img/sharp-linux-x64",
      linux,
      "linux-x64-musl",
      sharp,
      /made for glibc: its musl variant stands beside it/,
    ],
    ["@img/sharp-linux-x64", linux, "linux-x64-musl", [], undefined],
    ["@img/sharp-linuxmusl-x64", linux, "linux-x64-musl", sharp, undefined],
    ["@img/sharp-linux-x64", { ...linux, libc: ["glibc"] }, "linux-x64-musl", [], /libc fields/],
    ["@img/sharp-wasm32", { cpu: ["none"] }, "linux-x64-gnu", sharp, /fields/],
    ["@oven/bun-linux-x64", linux, "linux-x64-musl", bun, /its musl variant stands beside it/],
    ["@esbuild/linux-x64", linux, "linux-x64-musl", ["@esbuild/linux-arm64"], undefined],
    ["fsevents", { os: ["darwin"] }, "linux-x64-gnu", [], /made for darwin/],
    ["fsevents", { os: ["darwin"] }, "darwin-arm64", [], undefined],
    ["plain", {}, "linux-x64-gnu", [], undefined],
    ["not-windows", { os: ["!win32"] }, "linux-x64-gnu", [], undefined],
  ];
  it.each(cases)("%s %j on %s", (name, fields, target, siblings, expected) => {
    const refusal = platformRefusal(name, fields, parseTarget(target), siblings);
    expect(refusal ?? "fits").toMatch(expected ?? /^fits$/);
  });
});
