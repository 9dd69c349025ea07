/**
 * Processor, kernel, page size and the system's name, from /proc and os-release. In a hardened unit (ProcSubset=pid)
 * most of /proc is missing: the fact is then unknown, with the reason.
 */
import { known, unknown, type CpuFacts, type HostFacts } from "./host-facts.ts";
import type { HostRoot } from "./root.ts";

export function readCpu(root: HostRoot): HostFacts["cpu"] {
  const text = root.readText("/proc/cpuinfo");
  if (text === undefined || text === "") return unknown("/proc/cpuinfo cannot be read");
  const cpu = parseCpuInfo(text);
  return cpu === undefined ? unknown("/proc/cpuinfo names no features") : known(cpu, "/proc/cpuinfo");
}

/** x86-64 psABI, table "Micro-Architecture Levels", with the kernel's names of the features. */
const LEVELS: readonly (readonly string[])[] = [
  ["cmov", "cx8", "fpu", "fxsr", "mmx", "syscall", "sse", "sse2"],
  ["cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"],
  ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"],
  ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"],
];

/** Parses /proc/cpuinfo. Only the first processor is read, and the others are taken to have the same features. */
export function parseCpuInfo(text: string): CpuFacts | undefined {
  const line = /^(flags|Features)\s*:\s*(.*)$/m.exec(text);
  const features = line?.[2]?.trim().split(/\s+/);
  if (features === undefined) return undefined;
  if (line?.[1] === "Features") return { features };
  const has = new Set(features);
  let level: 0 | 1 | 2 | 3 | 4 = 0;
  for (const [index, names] of LEVELS.entries()) {
    if (!names.every((name) => has.has(name))) break;
    level = toLevel(index + 1);
  }
  return level === 0 ? { features } : { features, level };
}

function toLevel(count: number): 1 | 2 | 3 | 4 {
  return count === 1 ? 1 : count === 2 ? 2 : count === 3 ? 3 : 4;
}

export function readKernel(root: HostRoot): HostFacts["kernel"] {
  const release = root.readText("/proc/sys/kernel/osrelease")?.trim();
  if (release === undefined || release === "") return unknown("/proc/sys/kernel/osrelease cannot be read");
  return known(release, "/proc/sys/kernel/osrelease");
}

/** AT_PAGESZ (6) of the auxiliary vector that the kernel gave the running process (getauxval(3)). */
export function readPageSize(root: HostRoot): HostFacts["pageSize"] {
  const bytes = root.readBytes("/proc/self/auxv");
  if (bytes === undefined) return unknown("/proc/self/auxv cannot be read");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    if (view.getUint32(at, true) === 6) return known(view.getUint32(at + 8, true), "/proc/self/auxv");
  }
  return unknown("/proc/self/auxv has no page size");
}

export function readSystem(root: HostRoot): HostFacts["system"] {
  for (const path of ["/etc/os-release", "/usr/lib/os-release"]) {
    const text = root.readText(path);
    if (text !== undefined) return known(parseOsRelease(text), path);
  }
  return unknown("there is no os-release");
}

/** os-release(5): shell-like assignments, quotes optional. */
export function parseOsRelease(text: string): { id: string; version: string; name: string } {
  const get = (key: string): string =>
    new RegExp(`^${key}=(["']?)(.*)\\1\\s*$`, "m").exec(text)?.[2]?.trim() ?? "";
  return { id: get("ID"), version: get("VERSION_ID"), name: get("PRETTY_NAME") || get("NAME") };
}
