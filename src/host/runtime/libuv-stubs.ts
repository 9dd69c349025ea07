/**
 * Finds libuv functions that a runtime exports but does not implement. Bun's stub loads the address of its own name
 * and calls a function that prints it and aborts (oven-sh/bun, src/bun.js/bindings/uv-posix-stubs.c), so its first
 * instructions identify it. Unknown code counts as implemented.
 */
import { EM, type ElfFile } from "../../elf/index.ts";

/** Bytes of code in which a stub loads its argument. */
const PROLOGUE = 48;

export function isStub(runtime: ElfFile, name: string): boolean {
  const address = runtime.exports().address(name);
  if (address === undefined) return false;
  const code = runtime.bytesAt(address, PROLOGUE);
  const loads = runtime.machine === EM.X86_64 ? x64Loads(code, address) : arm64Loads(code, address);
  return loads.some((target) => textIs(runtime, target, name));
}

/** Names of the libuv functions that a runtime exports as stubs, sorted. Reads every export. */
export function readStubs(runtime: ElfFile): string[] {
  return runtime
    .exports()
    .names()
    .map((name) => name.replace(/@.*/, ""))
    .filter((name) => name.startsWith("uv_") && isStub(runtime, name))
    .toSorted();
}

function textIs(runtime: ElfFile, address: number, name: string): boolean {
  const bytes = runtime.bytesAt(address, name.length + 1);
  if (bytes.length !== name.length + 1 || bytes[name.length] !== 0) return false;
  for (let index = 0; index < name.length; index += 1) {
    if (bytes[index] !== name.charCodeAt(index)) return false;
  }
  return true;
}

/** Addresses put into rdi, the first argument: `mov edi, imm32` or `lea rdi, [rip + disp32]`. */
function x64Loads(code: Uint8Array, address: number): number[] {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const loads: number[] = [];
  for (let at = 0; at + 7 <= code.length; at += 1) {
    if (code[at] === 0xbf) loads.push(view.getUint32(at + 1, true));
    if (code[at] === 0x48 && code[at + 1] === 0x8d && code[at + 2] === 0x3d) {
      loads.push(address + at + 7 + view.getInt32(at + 3, true));
    }
    // A call ends the prologue. What follows belongs to another function.
    if (code[at] === 0xe8) break;
  }
  return loads;
}

/** `adrp x0, page` then `add x0, x0, #offset`. */
function arm64Loads(code: Uint8Array, address: number): number[] {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const loads: number[] = [];
  let page: number | undefined;
  for (let at = 0; at + 4 <= code.length; at += 4) {
    const word = view.getUint32(at, true);
    if ((word & 0x9f00_001f) >>> 0 === 0x9000_0000) {
      const immediate = (((word >>> 5) & 0x7_ffff) << 2) | ((word >>> 29) & 3);
      const pages = (immediate << 11) >> 11;
      page = Math.floor((address + at) / 4096) * 4096 + pages * 4096;
    } else if ((word & 0xffc0_03ff) >>> 0 === 0x9100_0000 && page !== undefined) {
      loads.push(page + ((word >>> 10) & 0xfff));
    }
  }
  return loads;
}
