/**
 * Identifies a native file by its first bytes: ELF, a Mach-O or PE module of another system, or neither. Reads at most
 * 4 KB, and 6 bytes of a PE header. Foreign formats are named for messages and not read further.
 */
import { latin1, type ByteSource } from "./bytes.ts";

export type FileKind =
  | { readonly kind: "elf" }
  /** Mach-O (`darwin`) or PE (`win32`); `what` reads like "a macOS arm64 module". */
  | {
      readonly kind: "foreign";
      readonly os: "darwin" | "win32";
      readonly arches: readonly string[];
      readonly what: string;
    }
  /** A file that no loader accepts; `what` reads like "a text file". */
  | { readonly kind: "other"; readonly what: string };

const MACH_CPUS: ReadonlyMap<number, string> = new Map([
  [7, "ia32"],
  [12, "arm"],
  [18, "ppc"],
  [0x0100_0007, "x64"],
  [0x0100_000c, "arm64"],
]);

const PE_MACHINES: ReadonlyMap<number, string> = new Map([
  [0x14c, "ia32"],
  [0x1c0, "arm"],
  [0x1c4, "arm"],
  [0x8664, "x64"],
  [0xaa64, "arm64"],
]);

export function identifyFile(source: ByteSource): FileKind {
  const head = source.read(0, 4096);
  if (head.length === 0) return { kind: "other", what: "an empty file" };
  if (head.length >= 4) {
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const magic = view.getUint32(0, false);
    if (magic === 0x7f45_4c46) return { kind: "elf" };
    const mach = machArches(view, magic);
    if (mach !== undefined) return foreign("darwin", "macOS", mach);
    if (magic >>> 16 === 0x4d5a) return foreign("win32", "Windows", peArches(source, view));
  }
  return { kind: "other", what: describeOther(head) };
}

function foreign(os: "darwin" | "win32", name: string, arches: readonly string[]): FileKind {
  return { kind: "foreign", os, arches, what: `a ${name} ${arches.join(" and ")} module` };
}

/** Thin images start with feedface or feedfacf in either byte order, universal ones with cafebabe (mach-o/fat.h). */
function machArches(view: DataView, magic: number): string[] | undefined {
  if (view.byteLength < 8) return undefined;
  if (magic === 0xfeed_face || magic === 0xfeed_facf) return [machName(view.getUint32(4, false))];
  if (magic === 0xcefa_edfe || magic === 0xcffa_edfe) return [machName(view.getUint32(4, true))];
  if (magic !== 0xcafe_babe && magic !== 0xcafe_babf) return undefined;
  const count = view.getUint32(4, false);
  // Java class files share cafebabe; their second word is a version of 45 and above.
  if (count === 0 || count > 16) return undefined;
  const size = magic === 0xcafe_babf ? 32 : 20;
  const arches: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = 8 + index * size;
    if (at + 4 > view.byteLength) break;
    arches.push(machName(view.getUint32(at, false)));
  }
  return arches;
}

function machName(cpu: number): string {
  return MACH_CPUS.get(cpu) ?? `cpu ${cpu}`;
}

function peArches(source: ByteSource, view: DataView): string[] {
  if (view.byteLength < 64) return ["unknown"];
  const header = source.read(view.getUint32(0x3c, true), 6);
  if (header.length < 6 || latin1(header.subarray(0, 4)) !== "PE\0\0") return ["unknown"];
  const machine = (header[4] ?? 0) | ((header[5] ?? 0) << 8);
  return [PE_MACHINES.get(machine) ?? `machine ${machine}`];
}

/**
 * Names what a file of another format is. It recognises common mistakes: a web page or a Git LFS pointer in place of a
 * binary, an incomplete download.
 */
function describeOther(head: Uint8Array): string {
  const text = latin1(head.subarray(0, 256));
  if (text.startsWith("version https://git-lfs")) return "a Git LFS pointer, not the file itself";
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) return "a web page";
  if (text.startsWith("#!")) return "a script";
  if (text.startsWith("!<arch>")) return "a static library";
  if (/GNU ld script|^\s*(GROUP|INPUT|OUTPUT_FORMAT)\s*\(/.test(text)) return "a linker script";
  if (text.startsWith("\x1f\x8b")) return "a gzip archive";
  if (text.startsWith("PK\x03\x04")) return "a zip archive";
  if (text.startsWith("\0asm")) return "a WebAssembly module";
  if (head.every((byte) => byte === 0)) return "a file of zero bytes only";
  if (/^[\t\n\r\x20-\x7e\x80-\xff]*$/.test(text)) return "a text file";
  return "no native file";
}
