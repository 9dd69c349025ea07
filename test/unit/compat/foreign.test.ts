/** The one judgement of foreign files: by names of loaders' schemes, by heads, and in a tree of verdicts. */
import { describe, expect, it } from "vitest";
import { foreignTo, passOverForeign, type LoadPlace } from "../../../src/compat/foreign/index.ts";
import { readNativeFile } from "../../../src/elf/elf-file.ts";
import { elfImage } from "../../support/elf/elf-image.mjs";

const GNU: LoadPlace = { os: "linux", arch: "x64", libc: "gnu", runtime: { kind: "node", abi: 115 } };
const MUSL: LoadPlace = { ...GNU, libc: "musl" };
const MAC: LoadPlace = { os: "darwin", arch: "arm64", runtime: { kind: "node", abi: 115 } };
const BUN: LoadPlace = { ...GNU, runtime: { kind: "bun", abi: 147 } };
/** A runtime of which nobody knows the ABI. */
const NEW: LoadPlace = { ...GNU, runtime: { kind: "bun", abi: undefined } };

describe("a name", () => {
  /** Paths of the packages' published files, by `npm pack --dry-run`; undefined is for this place. */
  it.each([
    // bcrypt 6.0.0
    [GNU, "prebuilds/linux-x64/bcrypt.glibc.node", undefined],
    [GNU, "prebuilds/linux-x64/bcrypt.musl.node", "platform"],
    [MUSL, "prebuilds/linux-x64/bcrypt.glibc.node", "platform"],
    [MUSL, "prebuilds/linux-x64/bcrypt.musl.node", undefined],
    [GNU, "prebuilds/linux-arm64/bcrypt.glibc.node", "platform"],
    [GNU, "prebuilds/win32-x64/bcrypt.node", "platform"],
    [MAC, "prebuilds/darwin-arm64/bcrypt.node", undefined],
    // rocksdb 5.2.1, node-pty 1.1.0
    [MAC, "prebuilds/darwin-x64+arm64/node.napi.node", undefined],
    [GNU, "prebuilds/darwin-x64+arm64/node.napi.node", "platform"],
    [GNU, "prebuilds/win32-x64/conpty/OpenConsole.exe", "platform"],
    [MAC, "prebuilds/darwin-arm64/spawn-helper", undefined],
    [GNU, "prebuilds/index.js", undefined],
    // better-sqlite3 13.2.0
    [GNU, "prebuilds/linux-x64.node", undefined],
    [GNU, "prebuilds/linuxmusl-x64.node", "platform"],
    [GNU, "prebuilds/linux-arm64.node", "platform"],
    [MUSL, "prebuilds/linuxmusl-x64.node", undefined],
    [MUSL, "prebuilds/linux-x64.node", "platform"],
    [MUSL, "prebuilds/linuxmusl-arm64.node", "platform"],
    // @datadog/native-metrics
    [GNU, "prebuilds/linuxglibc-x64/node-napi.node", undefined],
    [MUSL, "prebuilds/linuxglibc-x64/node-napi.node", "platform"],
    // isolated-vm 7.0.1, @lmdb/lmdb-linux-x64 3.5.6
    [GNU, "prebuilds/linux-x64/isolated-vm.abi115.glibc.node", undefined],
    [GNU, "prebuilds/linux-x64/isolated-vm.abi137.glibc.node", "runtime"],
    [GNU, "node.abi115.glibc.node", undefined],
    [GNU, "node.abi127.glibc.node", "runtime"],
    [GNU, "node.abi115.musl.node", "platform"],
    [GNU, "node.napi.glibc.node", undefined],
    [BUN, "node.abi115.glibc.node", "runtime"],
    [NEW, "node.abi115.glibc.node", undefined],
    [MUSL, "node.abi115.glibc.node", undefined],
    // An ABI does not matter to Node-API, see matchTags of node-gyp-build.
    [GNU, "prebuilds/linux-x64/node.napi.abi93.node", undefined],
    [GNU, "prebuilds/linux-x64/electron.napi.node", "runtime"],
    [GNU, "prebuilds/linux-x64/electron.abi115.node", "runtime"],
    [GNU, "prebuilds/linux-x64/node.napi.uv2.node", "runtime"],
    [GNU, "prebuilds/linux-x64/node.napi.uv1.node", undefined],
    // sodium-native 5.1.0
    [GNU, "prebuilds/linux-x64/sodium-native.bare", "runtime"],
    // node-pre-gyp
    [GNU, "lib/binding/node-v115-linux-x64/a.node", undefined],
    [GNU, "lib/binding/node-v127-linux-x64/a.node", "runtime"],
    [GNU, "lib/binding/electron-v28.0-linux-x64/a.node", "runtime"],
    [GNU, "lib/binding/node-v115-darwin-x64/a.node", "platform"],
    [GNU, "lib/binding/node-v115-linux-x64-musl/a.node", "platform"],
    // What is above a package does not count.
    [GNU, "/srv/prebuilds/darwin-arm64/node_modules/a/a.node", undefined],
    [GNU, "a/electron/main.js", undefined],
  ] as const)("%j, %s: %s", (place, path, kind) => {
    expect(foreignTo(path, undefined, place)?.kind).toBe(kind);
  });
});

function built(abi: number) {
  const bytes = elfImage({ machine: 62, symbols: [{ name: `node_register_module_v${abi}`, defined: true }] });
  return readNativeFile({ size: bytes.length, read: (at, length) => bytes.subarray(at, at + length) });
}

it("knows by its head the ABI that a file was built for, whatever its name says", () => {
  expect(foreignTo("a/pprof.node", built(127), GNU)).toEqual({
    kind: "runtime",
    what: "a module for NODE_MODULE_VERSION 127",
  });
  expect(foreignTo("a/pprof.node", built(115), GNU)).toBeUndefined();
  expect(foreignTo("a/pprof.node", built(127), NEW)).toBeUndefined();
});

const ok = (path: string) => ({ path, verdict: "ok", findings: [] }) as const;
const foreign = (path: string) => ({ ...ok(path), foreign: "a macOS arm64 module" }) as const;

describe("verdicts of a tree", () => {
  it("pass over foreign files of a package or scope with another one, unless it was named", () => {
    const files = [
      ok("node_modules/a/a.node"),
      foreign("node_modules/a/b.node"),
      ok("node_modules/@s/x/x.node"),
      foreign("node_modules/@s/y/y.node"),
      foreign("node_modules/a/named.node"),
    ];
    const verdicts = passOverForeign(files, new Set(["node_modules/a/named.node"]));
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["ok", "skip", "ok", "skip", "ok"]);
  });

  it("name a package of which every file is foreign, once, with what to do", () => {
    const files = [foreign("node_modules/a/a.node"), foreign("node_modules/a/b.node")];
    const [first, second] = passOverForeign(files);
    expect(first).toMatchObject({
      verdict: "fail",
      findings: [{ code: "MODULE_UNAVAILABLE", evidence: "a macOS arm64 module" }],
    });
    expect(first?.findings[0]?.fix).toContain("npm rebuild a");
    expect(second?.findings).toEqual([]);
  });
});
