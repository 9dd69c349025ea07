import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  BUNDLE_HEAD_BYTES,
  parseBundleHead,
  readCompression,
  withBundleHead,
  type BundleIdentity,
} from "../../../src/release/bundle-head.ts";

const BUN = new URL("../../../node_modules/bun/bin/bun.exe", import.meta.url).pathname;
const IDENTITY: BundleIdentity = {
  schema: 1,
  name: "@acme/brain",
  version: "1.2.3",
  target: "linux-x64-gnu",
  tree: "0123456789abcdef".repeat(4),
};
const TEXT = "all the modules\n".repeat(2000);

function zstd(text: string): Buffer {
  const script =
    "process.stdout.write(require('node:zlib').zstdCompressSync(require('node:fs').readFileSync(0)))";
  return spawnSync(BUN, ["-e", script], { input: text, maxBuffer: 1 << 26 }).stdout;
}

describe("a bundle's head", () => {
  it("is read back from both kinds, from the first bytes alone", () => {
    const gz = withBundleHead(IDENTITY, "gz", gzipSync(TEXT));
    const zst = withBundleHead(IDENTITY, "zst", zstd(TEXT));
    expect(parseBundleHead(gz.subarray(0, BUNDLE_HEAD_BYTES))).toEqual(IDENTITY);
    expect(parseBundleHead(zst.subarray(0, BUNDLE_HEAD_BYTES))).toEqual(IDENTITY);
    expect([readCompression(gz), readCompression(zst)]).toEqual(["gz", "zst"]);
  });

  it("is skipped by decompressors: zlib, gzip and Bun's zstd", () => {
    const directory = mkdtempSync(join(tmpdir(), "head-"));
    try {
      const gz = withBundleHead(IDENTITY, "gz", gzipSync(TEXT));
      const zst = withBundleHead(IDENTITY, "zst", zstd(TEXT));
      writeFileSync(join(directory, "a.gz"), gz);
      expect(gunzipSync(gz).toString()).toBe(TEXT);
      expect(spawnSync("gzip", ["-dc", join(directory, "a.gz")]).stdout.toString()).toBe(TEXT);
      const script =
        "process.stdout.write(require('node:zlib').zstdDecompressSync(require('node:fs').readFileSync(0)))";
      expect(spawnSync(BUN, ["-e", script], { input: zst }).stdout.toString()).toBe(TEXT);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("is not there in other files, and damage is no identity", () => {
    const zst = Buffer.from(withBundleHead(IDENTITY, "zst", zstd(TEXT)));
    expect(parseBundleHead(gzipSync(TEXT))).toBeUndefined();
    expect(parseBundleHead(zstd(TEXT))).toBeUndefined();
    expect(parseBundleHead(Buffer.from("PK\u0003\u0004"))).toBeUndefined();
    expect(parseBundleHead(Buffer.alloc(0))).toBeUndefined();
    expect(parseBundleHead(zst.subarray(0, 60))).toBeUndefined();
    zst.writeUInt32LE(0xffff_ffff, 4);
    expect(parseBundleHead(zst)).toBeUndefined();
    expect(readCompression(Buffer.from("plain text"))).toBeUndefined();
  });

  it("refuses a name that would not fit", () => {
    expect(() => withBundleHead({ ...IDENTITY, name: "n".repeat(2000) }, "gz", gzipSync(""))).toThrow(
      RangeError,
    );
  });
});
