/**
 * Is this a shared object that this machine's loader can map? Sources: glibc elf/dl-load.c (open_verify,
 * _dl_map_object_from_fd), the kernel's mmap for ranges past the end of a file. glibc accepts OSABI 0 (System V) and 3
 * (GNU) only.
 */
import { ET, isPie, type ElfFile, type NativeFile } from "../../elf/index.ts";
import { valueOf, type HostFacts, type RuntimeView } from "../../host/index.ts";
import type { Draft } from "../compat-finding.ts";

const REINSTALL = "install the module again; the file was damaged on its way here";

/** Findings for a file that is not ELF. */
export function judgeForeign(file: Exclude<NativeFile, ElfFile>, machine: string): Draft {
  if (file.kind === "malformed") {
    const evidence = `${file.reason}, at offset ${file.offset}`;
    return { code: "ELF_MALFORMED", what: `the file is damaged: ${file.reason}`, evidence, fix: REINSTALL };
  }
  if (file.kind === "other") {
    const fix = REINSTALL;
    return {
      code: "ELF_MALFORMED",
      what: `this is ${file.what}, not a native module`,
      evidence: "invalid ELF header",
      fix,
    };
  }
  return {
    code: "HOST_UNSUPPORTED",
    what: `this is ${file.what}; this is a ${machine} machine`,
    evidence: `${file.os} ${file.arches.join("+")}`,
    fix: `install the module for ${machine}; node_modules copied from another system do not work`,
  };
}

/** "Linux x64", for messages. */
export function machineOf(runtime: RuntimeView): string {
  return `Linux ${runtime.file.arch}`;
}

/**
 * A finding for a module on a noexec mount. mmap with PROT_EXEC fails there (mmap(2), EPERM); the loader says "failed
 * to map segment".
 */
export function judgeNoexec(mountPoint: string): Draft {
  return {
    code: "STORE_NOEXEC",
    what: `the module lies on ${mountPoint}, which is mounted noexec: it cannot be mapped`,
    evidence: "failed to map segment from shared object",
    fix: `move the release to a file system that is mounted exec, or: mount -o remount,exec ${mountPoint}`,
  };
}

/** The first reason why the file cannot be mapped. The other rules do not apply to such a file. */
export function judgeContainer(file: ElfFile, runtime: RuntimeView, host: HostFacts): Draft | undefined {
  return judgeMachine(file, runtime) ?? judgeType(file) ?? judgeSegments(file) ?? judgeAlignment(file, host);
}

const OSABI_NAMES: Readonly<Record<number, string>> = {
  1: "HP-UX",
  2: "NetBSD",
  6: "Solaris",
  9: "FreeBSD",
  12: "OpenBSD",
};

function judgeMachine(file: ElfFile, runtime: RuntimeView): Draft | undefined {
  const { bits, arch, machine } = runtime.file;
  const order = file.little ? "" : " big-endian";
  const fix = `install the module for ${machineOf(runtime)}; node_modules copied from another system do not work`;
  if (file.bits !== bits || file.machine !== machine || !file.little) {
    return {
      code: "HOST_UNSUPPORTED",
      what: `this is a ${file.bits}-bit${order} ${file.arch} module; the runtime is ${bits}-bit ${arch}`,
      evidence: file.bits === bits ? file.arch : `ELFCLASS${file.bits}`,
      fix,
    };
  }
  if (file.osabi === 0 || file.osabi === 3) return undefined;
  const system = OSABI_NAMES[file.osabi] ?? `OS ABI ${file.osabi}`;
  return {
    code: "HOST_UNSUPPORTED",
    what: `this is a ${system} module`,
    evidence: `OS ABI ${file.osabi}`,
    fix,
  };
}

function judgeType(file: ElfFile): Draft | undefined {
  const fix = "name the module's .node file";
  if (file.type === ET.EXEC || (file.type === ET.DYN && isPie(file))) {
    const evidence = file.type === ET.EXEC ? "ET_EXEC" : "DF_1_PIE";
    return { code: "MODULE_UNAVAILABLE", what: "this is a program, not a module", evidence, fix };
  }
  if (file.type === ET.DYN) return undefined;
  const what =
    file.type === ET.REL ? "this is an object file that was not linked" : "this is no shared object";
  return { code: "ELF_MALFORMED", what, evidence: `ELF type ${file.type}`, fix };
}

/** A segment past the end of the file is mapped, and then the load ends in SIGBUS, which cannot be caught. */
function judgeSegments(file: ElfFile): Draft | undefined {
  if (file.loads.length === 0 || !file.hasDynamic) {
    const what = `the file has no ${file.loads.length === 0 ? "loadable segments" : "dynamic section"}`;
    return { code: "ELF_MALFORMED", what, evidence: what, fix: REINSTALL };
  }
  const end = Math.max(...file.loads.map(({ offset, fileSize }) => offset + fileSize));
  if (end <= file.size) return undefined;
  return {
    code: "ELF_MALFORMED",
    what: `the file is cut off: it has ${file.size} of ${end} bytes`,
    evidence: `a segment ends at ${end}; loading it would end in SIGBUS`,
    fix: REINSTALL,
  };
}

/** Segments must be aligned to the host's pages: arm64 kernels with 64 KB pages refuse 4 KB ones. */
function judgeAlignment(file: ElfFile, host: HostFacts): Draft | undefined {
  const page = valueOf(host.pageSize) ?? 4096;
  for (const { align, address, offset } of file.loads) {
    if (align % page !== 0) {
      return {
        code: "HOST_UNSUPPORTED",
        what: `the module is aligned to ${align} bytes; this kernel's pages have ${page}`,
        evidence: `p_align ${align}`,
        fix: "use a module that was linked for larger pages (-Wl,-z,max-page-size=65536), or a 4 KB kernel",
      };
    }
    if (align > 0 && (address - offset) % align !== 0) {
      const what = "a segment's address and offset do not fit together";
      return { code: "ELF_MALFORMED", what, evidence: `offset ${offset}, p_align ${align}`, fix: REINSTALL };
    }
  }
  return undefined;
}
