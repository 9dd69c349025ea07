/** Native files for other platforms are left out by their heads, whatever their paths say. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { captureTree } from "../../../../src/build/tree/capture.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { elfImage } from "../../../support/elf/elf-image.mjs";

const X64 = 62;
const ARM64 = 183;
/** A Mach-O image for arm64 (mach-o/loader.h) and the beginning of a PE file for x64 (PE format, "Signature"). */
const MACH = Uint8Array.from([0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1, ...Array.from({ length: 56 }, () => 0)]);
const PE = Buffer.concat([
  Buffer.from("MZ"),
  Buffer.alloc(58),
  Uint8Array.from([64, 0, 0, 0]),
  Buffer.from("PE\0\0"),
  Uint8Array.from([0x64, 0x86]),
]);

const FILES: Readonly<Record<string, Uint8Array>> = {
  "onnx/package.json": Buffer.from("{}"),
  "onnx/bin/napi-v3/linux/x64/a.node": elfImage({ machine: X64, needed: ["libc.so.6"] }),
  "onnx/bin/napi-v3/linux/arm64/a.node": elfImage({ machine: ARM64, needed: ["libc.so.6"] }),
  "onnx/bin/napi-v3/darwin/arm64/a.node": MACH,
  "onnx/bin/napi-v3/darwin/arm64/lib.dylib": MACH,
  "onnx/bin/napi-v3/win32/x64/a.node": PE,
  "onnx/bin/napi-v3/win32/x64/run.dll": PE,
  "onnx/node.abi115.musl.node": elfImage({ machine: X64, needed: ["libc.musl-x86_64.so.1"] }),
  "onnx/node.abi115.glibc.node": elfImage({ machine: X64, needed: ["libc.so.6"] }),
  // A wrong name: the head says what it is.
  "onnx/linux-arm64-only.node": elfImage({ machine: X64 }),
  "onnx/simd.wasm": Buffer.from("\0asm\u0001\0\0\0"),
};
const CLOSURE = [{ path: "onnx", name: "onnx", version: "1.0.0", neededBy: ["onnx"] }];

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-foreign-"));
  for (const [path, bytes] of Object.entries(FILES)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), bytes);
  }
});
afterEach(() => rmSync(directory, { recursive: true }));

const left = (): string[] => Object.keys(FILES).filter((path) => existsSync(join(directory, path)));

it("keeps what a glibc target can load", () => {
  const { leftOut, native } = captureTree(directory, CLOSURE, parseTarget("linux-x64-gnu"));
  const kept = ["bin/napi-v3/linux/x64/a.node", "node.abi115.glibc.node", "linux-arm64-only.node"];
  expect(left()).toEqual(["package.json", ...kept, "simd.wasm"].map((path) => `onnx/${path}`));
  expect(native.map(({ path }) => path).toSorted()).toEqual(kept.map((path) => `onnx/${path}`).toSorted());
  expect(leftOut).toMatchObject([{ reason: "other platforms' binaries", files: 6 }]);
});

it("keeps what a macOS target can load", () => {
  captureTree(directory, CLOSURE, parseTarget("darwin-arm64"));
  expect(left()).toEqual([
    "onnx/package.json",
    "onnx/bin/napi-v3/darwin/arm64/a.node",
    "onnx/bin/napi-v3/darwin/arm64/lib.dylib",
    "onnx/simd.wasm",
  ]);
});

it("keeps a file for glibc beside that for musl, which musl may load", () => {
  captureTree(directory, CLOSURE, parseTarget("linux-x64-musl"));
  expect(left()).toContain("onnx/node.abi115.musl.node");
  expect(left()).toContain("onnx/node.abi115.glibc.node");
});

it("keeps what gantry.keep names, and does not call it native", () => {
  const keep = ["onnx/bin/napi-v3/win32"];
  const { native } = captureTree(directory, CLOSURE, parseTarget("linux-x64-gnu"), { keep });
  expect(left()).toContain("onnx/bin/napi-v3/win32/x64/run.dll");
  expect(native.map(({ path }) => path)).not.toContain("onnx/bin/napi-v3/win32/x64/a.node");
});

it("leaves out what gantry.exclude names, even when gantry.keep names it too", () => {
  const patterns = { exclude: ["onnx/*.wasm", "onnx/none/**"], keep: ["onnx/simd.wasm"] };
  const { leftOut, unmatched, thinned } = captureTree(
    directory,
    CLOSURE,
    parseTarget("linux-x64-gnu"),
    patterns,
  );
  expect(left()).not.toContain("onnx/simd.wasm");
  expect(leftOut).toContainEqual({ reason: "gantry.exclude", files: 1, bytes: 8 });
  expect(unmatched).toMatchObject([{ setting: "gantry.exclude", pattern: "onnx/none/**" }]);
  expect([...thinned]).toEqual(["onnx"]);
});

it("leaves out builds for other versions of the runtime, and names a package that has no other", () => {
  const target = parseTarget("linux-x64-musl");
  const place = { ...target, runtime: { kind: "node", abi: 127 } } as const;
  const { unserved } = captureTree(directory, CLOSURE, place);
  expect(left()).not.toContain("onnx/node.abi115.musl.node");
  expect(unserved).toEqual([]);
  const only = { ...parseTarget("linux-arm64-gnu"), runtime: place.runtime };
  rmSync(join(directory, "onnx/bin/napi-v3/linux/arm64/a.node"), { force: true });
  expect(captureTree(directory, CLOSURE, only).unserved).toMatchObject([
    { name: "onnx", version: "1.0.0", neededBy: ["onnx"], has: ["an ELF x64 module"] },
  ]);
});
