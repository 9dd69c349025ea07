/** Names for what is no ELF file. */
import { expect, it } from "vitest";
import { bytesSource } from "../../../src/elf/bytes.ts";
import { identifyFile } from "../../../src/elf/identify.ts";

function words(big: boolean, ...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(Math.max(64, values.length * 4)));
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value, !big);
  return new Uint8Array(view.buffer);
}

function portable(machine: number): Uint8Array {
  const bytes = new Uint8Array(256);
  bytes.set(Buffer.from("MZ"));
  bytes[0x3c] = 128;
  bytes.set(Buffer.from("PE\0\0"), 128);
  bytes[132] = machine & 255;
  bytes[133] = machine >> 8;
  return bytes;
}

it.each([
  ["a macOS arm64 module", words(false, 0xfeed_facf, 0x0100_000c)],
  ["a macOS x64 module", words(true, 0xfeed_facf, 0x0100_0007)],
  [
    "a macOS x64 and arm64 module",
    words(true, 0xcafe_babe, 2, 0x0100_0007, 0, 0, 0, 0, 0x0100_000c, 0, 0, 0, 0),
  ],
  ["a Windows x64 module", portable(0x8664)],
  ["a Windows arm64 module", portable(0xaa64)],
  ["a Windows ia32 module", portable(0x14c)],
  ["a Windows unknown module", Buffer.from("MZ, and nothing more")],
  ["an empty file", new Uint8Array()],
  ["a Git LFS pointer, not the file itself", Buffer.from("version https://git-lfs.github.com/spec/v1\n")],
  ["a web page", Buffer.from("<!DOCTYPE html><title>404</title>")],
  ["a linker script", Buffer.from("/* GNU ld script */\nGROUP ( /lib/libc.so.6 )")],
  ["a script", Buffer.from("#!/bin/sh\n")],
  ["a static library", Buffer.from("!<arch>\n")],
  ["a WebAssembly module", Buffer.from("\0asm\u0001\0\0\0")],
  ["a file of zero bytes only", new Uint8Array(4096)],
  ["a text file", Buffer.from("not found")],
  ["no native file", Uint8Array.from([1, 2, 3, 4, 5])],
])("calls it %s", (what, bytes) => {
  expect(identifyFile(bytesSource(bytes))).toMatchObject({ what });
});
