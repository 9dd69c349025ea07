/**
 * How a file registers as a Node addon, read without running it: Node-API by an exported symbol or by a function that
 * the loader runs (an ELF constructor), or the NODE_MODULE_VERSION in its `node_module` struct. Rules from node's
 * src/node_binding.cc and node_api.h. `undefined` when the bytes do not say; file names are never used.
 */
import { readExactly } from "./bytes.ts";
import { EM, PF, PT } from "./constants.ts";
import { fileOffset, readString, type ElfImage } from "./elf-image.ts";
import { eachOwnPointer, type ElfImport } from "./relocations.ts";
import type { SymbolTable } from "./symbols.ts";

export interface AddonFacts {
  /** Exports napi_register_module_v1. */
  readonly napiSymbol: boolean;
  /** Imports napi_module_register, which addons call from a function that the loader runs (an ELF constructor). */
  readonly napiConstructor: boolean;
  /** What node_api_module_get_api_version_v1 returns; 0x7fffffff is experimental. */
  readonly napiVersion: number | undefined;
  /** Imports node_module_register, which addons call from such a function too. */
  readonly abiConstructor: boolean;
  /** nm_version of the struct that the addon passes to node_module_register; undefined when it was not found. */
  readonly abiVersion: number | undefined;
  /** Every N of an exported node_register_module_vN; not looked for in a Node-API module. */
  readonly abiSymbols: readonly number[];
}

/** The highest NODE_MODULE_VERSION that is looked for. It has grown by about 10 a year, and is 147 in 2026. */
const MAX_ABI = 600;

export function readAddon(image: ElfImage, symbols: SymbolTable, imports: readonly ElfImport[]): AddonFacts {
  const abiConstructor = imports.some(({ name }) => name === "node_module_register");
  const napiConstructor = imports.some(({ name }) => name === "napi_module_register");
  const napiSymbol = symbols.exports.address("napi_register_module_v1") !== undefined;
  const abiSymbols: number[] = [];
  // For a Node-API module the ABI symbols do not matter, so that 600 lookups are saved.
  const mayBeLocked = abiConstructor || (!napiConstructor && !napiSymbol);
  for (let version = 1; version <= (mayBeLocked ? MAX_ABI : 0); version += 1) {
    if (symbols.exports.address(`node_register_module_v${version}`) !== undefined) abiSymbols.push(version);
  }
  const versionFunction = symbols.exports.address("node_api_module_get_api_version_v1");
  return {
    napiSymbol,
    napiConstructor,
    napiVersion: versionFunction === undefined ? undefined : readConstantResult(image, versionFunction),
    abiConstructor,
    abiVersion: abiConstructor ? readAbiVersion(image, symbols) : undefined,
    abiSymbols,
  };
}

/** The constant that the function at `address` returns; undefined when its first 32 bytes do not show one. */
function readConstantResult(image: ElfImage, address: number): number | undefined {
  const offset = fileOffset(image.segments, address);
  if (offset === undefined) return undefined;
  const code = image.source.read(offset, 32);
  if (image.machine === EM.X86_64) return x64Constant(code);
  if (image.machine === EM.AARCH64) return arm64Constant(code);
  return undefined;
}

/** The constant of `mov eax, imm32` or of `push imm8; pop rax`, after at most endbr64 and a frame set-up. */
function x64Constant(code: Uint8Array): number | undefined {
  let at = 0;
  const skip = (...bytes: number[]): void => {
    if (bytes.every((byte, index) => code[at + index] === byte)) at += bytes.length;
  };
  skip(0xf3, 0x0f, 0x1e, 0xfa); // endbr64
  skip(0x55); // push rbp
  skip(0x48, 0x89, 0xe5); // mov rbp, rsp
  if (at + 5 > code.length) return undefined;
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  if (code[at] === 0xb8) return view.getUint32(at + 1, true);
  // push imm8; pop rax: the short form that optimising for size picks
  if (code[at] === 0x6a && code[at + 2] === 0x58) return code[at + 1];
  return undefined;
}

/**
 * The constant that is in w0 at the first `ret`: set by movz, movn and movk, or by orr for the experimental value.
 * Other instructions are skipped.
 */
function arm64Constant(code: Uint8Array): number | undefined {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  let value: number | undefined;
  for (let at = 0; at + 4 <= code.length; at += 4) {
    const word = view.getUint32(at, true);
    const shift = ((word >>> 21) & 1) * 16;
    const immediate = (word >>> 5) & 0xffff;
    if ((word & 0xffc0_001f) >>> 0 === 0x5280_0000) value = immediate << shift;
    else if ((word & 0xffc0_001f) >>> 0 === 0x1280_0000) value = ~(immediate << shift) >>> 0;
    else if ((word & 0xffc0_001f) >>> 0 === 0x7280_0000 && value !== undefined) {
      value = (value & ~(0xffff << shift)) | (immediate << shift);
    } else if (word === 0x3200_7be0 || word === 0x12b0_0000) value = 0x7fff_ffff;
    else if (word === 0xd65f_03c0) return value;
  }
  return undefined;
}

/** The most candidates that are kept. In a file with more of them the pattern is not specific enough. */
const MAX_CANDIDATES = 4096;

/**
 * Finds `struct node_module { int nm_version; unsigned nm_flags; void* dso; const char* filename; register_func;
 * context_register_func; const char* modname; … }` (node.h) in writable data by its pointers: a file name, at least one
 * of the two functions and a module name at fixed distances, after a small version number and a null `dso`.
 */
function readAbiVersion(image: ElfImage, symbols: SymbolTable): number | undefined {
  const word = image.wide ? 8 : 4;
  const at = { dso: 8, filename: 8 + word, plain: 8 + 2 * word, context: 8 + 3 * word, name: 8 + 4 * word };
  const candidates = new Map<number, Map<number, number>>();
  eachOwnPointer(image, symbols, (address, target) => {
    const start = address - at.name;
    if (candidates.size >= MAX_CANDIDATES || !looksLikeHead(image, start, word)) return;
    if (isText(image, target, /^[\w.$-]+$/)) candidates.set(start, new Map([[at.name, target]]));
  });
  if (candidates.size === 0) return undefined;
  eachOwnPointer(image, symbols, (address, target) => {
    for (const field of [at.filename, at.plain, at.context]) {
      candidates.get(address - field)?.set(field, target);
    }
  });
  for (const [start, fields] of candidates) {
    const filename = fields.get(at.filename);
    const hasFunction = [at.plain, at.context].some((field) => isCode(image, fields.get(field)));
    if (filename !== undefined && hasFunction && isText(image, filename, /^[^\0]*$/)) {
      return readU32(image, start);
    }
  }
  return undefined;
}

/**
 * Whether the struct could begin here: nm_version is in range, no unknown flag is set, and `dso` is null, because the
 * runtime sets it only after the load.
 */
function looksLikeHead(image: ElfImage, start: number, word: number): boolean {
  const offset = fileOffset(image.segments, start);
  if (offset === undefined || offset + 8 + word > image.source.size) return false;
  const view = readExactly(image.source, offset, 8 + word, "module data");
  const version = view.getUint32(0, image.little);
  if (version < 1 || version > MAX_ABI || view.getUint32(4, image.little) > 15) return false;
  for (let index = 8; index < 8 + word; index += 1) if (view.getUint8(index) !== 0) return false;
  return true;
}

function isText(image: ElfImage, address: number, pattern: RegExp): boolean {
  const offset = fileOffset(image.segments, address);
  if (offset === undefined) return false;
  const bytes = image.source.read(offset, 512);
  const end = bytes.indexOf(0);
  if (end <= 0) return false;
  const text = readString(image.source, offset, 512);
  return pattern.test(text) && /^[\x20-\x7e]+$/.test(text);
}

function isCode(image: ElfImage, address: number | undefined): boolean {
  return (
    address !== undefined &&
    image.segments.some(
      ({ type, flags, address: start, memorySize }) =>
        type === PT.LOAD && (flags & PF.X) !== 0 && address >= start && address < start + memorySize,
    )
  );
}

function readU32(image: ElfImage, address: number): number | undefined {
  const offset = fileOffset(image.segments, address);
  if (offset === undefined) return undefined;
  return readExactly(image.source, offset, 4, "module data").getUint32(0, image.little);
}
