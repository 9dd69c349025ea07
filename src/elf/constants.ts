/**
 * Numbers of the ELF format that the readers and rules name: gABI chapters 4 and 5, the x86-64 and AArch64
 * psABI, and glibc's elf.h for the GNU extensions. Data only.
 */

export const ET = { REL: 1, EXEC: 2, DYN: 3, CORE: 4 } as const;

export const PT = {
  LOAD: 1,
  DYNAMIC: 2,
  INTERP: 3,
  NOTE: 4,
  TLS: 7,
  GNU_STACK: 0x6474_e551,
  GNU_PROPERTY: 0x6474_e553,
} as const;

export const PF = { X: 1, W: 2, R: 4 } as const;

export const DT = {
  NULL: 0,
  NEEDED: 1,
  PLTRELSZ: 2,
  HASH: 4,
  STRTAB: 5,
  SYMTAB: 6,
  RELA: 7,
  RELASZ: 8,
  RELAENT: 9,
  STRSZ: 10,
  SYMENT: 11,
  SONAME: 14,
  RPATH: 15,
  REL: 17,
  RELSZ: 18,
  RELENT: 19,
  PLTREL: 20,
  TEXTREL: 22,
  JMPREL: 23,
  BIND_NOW: 24,
  RUNPATH: 29,
  FLAGS: 30,
  RELRSZ: 35,
  RELR: 36,
  GNU_HASH: 0x6fff_fef5,
  VERSYM: 0x6fff_fff0,
  RELACOUNT: 0x6fff_fff9,
  RELCOUNT: 0x6fff_fffa,
  FLAGS_1: 0x6fff_fffb,
  VERDEF: 0x6fff_fffc,
  VERDEFNUM: 0x6fff_fffd,
  VERNEED: 0x6fff_fffe,
  VERNEEDNUM: 0x6fff_ffff,
} as const;

export const DF = { TEXTREL: 4, BIND_NOW: 8, STATIC_TLS: 16 } as const;

export const DF_1 = { NOW: 1, NODEFLIB: 0x800, NOOPEN: 0x40, PIE: 0x0800_0000 } as const;

export const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2, GNU_UNIQUE: 10 } as const;
export const STT_TLS = 6;

/** Version index 0 is local, 1 is global and unversioned; the top bit hides a definition (gABI, symbol versioning). */
export const VERSION = { LOCAL: 0, GLOBAL: 1, HIDDEN: 0x8000, MASK: 0x7fff } as const;
export const VER_FLG = { BASE: 1, WEAK: 2 } as const;

export const EM = { X86_64: 62, AARCH64: 183 } as const;

/** The machines of gantry's targets, by process.arch. */
export const EM_OF_ARCH: Readonly<Record<string, number>> & Readonly<Record<"x64" | "arm64", number>> = {
  x64: EM.X86_64,
  arm64: EM.AARCH64,
};

/** e_machine numbers with the names that npm packages and Node's process.arch use for them. */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [2, "sparc"],
  [3, "ia32"],
  [8, "mips"],
  [20, "ppc"],
  [21, "ppc64"],
  [22, "s390x"],
  [40, "arm"],
  [43, "sparc64"],
  [50, "ia64"],
  [EM.X86_64, "x64"],
  [EM.AARCH64, "arm64"],
  [243, "riscv64"],
  [258, "loong64"],
]);

/** The npm-style name of an e_machine value; `machine 1234` when it has none. */
export function machineName(machine: number, wide: boolean): string {
  if (machine === EM.X86_64 && !wide) return "x32";
  if (machine === 243 && !wide) return "riscv32";
  return MACHINES.get(machine) ?? `machine ${machine}`;
}
