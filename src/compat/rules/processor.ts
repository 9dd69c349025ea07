/**
 * Does the processor have what the module declares, and does the loader allow what its headers ask for? Sources: glibc
 * 2.33 and newer, sysdeps/x86/dl-prop.h ("CPU ISA level is lower than required"), checked for every object; musl
 * before 1.2.4 skips DT_RELR, which leaves pointers unset and ends in SIGSEGV.
 */
import { compareDotted } from "../../base/versions.ts";
import { valueOf } from "../../host/index.ts";
import type { Draft } from "../compat-finding.ts";
import { inObject, shippedObjects, type Situation } from "./situation.ts";

export function judgeProcessor(situation: Situation): Draft[] {
  const level = valueOf(situation.host.cpu)?.level;
  if (level === undefined) return [];
  return situation.closure.objects.flatMap((object): Draft[] => {
    const needed = object.library.isaLevel;
    if (needed === undefined || needed <= level) return [];
    return [
      {
        code: "CPU_TOO_OLD",
        what: `the module needs an x86-64-v${needed} processor${inObject(situation, object)}; this one has x86-64-v${level}`,
        evidence: `CPU ISA level x86-64-v${needed}`,
        fix: "use the module's baseline build, or a newer processor",
      },
    ];
  });
}

export function judgePackedRelocations(situation: Situation): Draft[] {
  if (situation.family !== "musl") return [];
  const packed = shippedObjects(situation).filter(({ library }) => library.packedRelocations);
  if (packed.length === 0) return [];
  const loader = situation.host.loaders.find(({ family }) => family === "musl");
  const version = loader === undefined ? undefined : valueOf(loader.version);
  if (version === undefined || compareDotted(version, "1.2.4") >= 0) return [];
  return packed.map((object) => ({
    code: "LIBC_TOO_OLD" as const,
    what: `the module has packed relocations${inObject(situation, object)}, which musl ${version} does not know; it would crash`,
    evidence: "DT_RELR",
    fix: "use a host with musl 1.2.4 or newer (Alpine 3.18), or link the module without -z pack-relative-relocs",
  }));
}

/**
 * glibc 2.41 and newer: dlopen refuses an object that asks for an executable stack when the process has none ("cannot
 * enable executable stack"). Older versions make every stack executable, which hardened units forbid.
 */
export function judgeExecutableStack(situation: Situation): Draft[] {
  const { process, closure, host, family } = situation;
  if (family === "musl" || process.program.library.executableStack) return [];
  const wanting = closure.objects.find(({ library }) => library.executableStack);
  if (wanting === undefined) return [];
  const loader = host.loaders.find(({ path }) => path === process.program.library.interpreter);
  const version = loader === undefined ? undefined : valueOf(loader.version);
  if (version === undefined || compareDotted(version, "2.41") < 0) return [];
  return [
    {
      code: "HOST_UNSUPPORTED",
      what: `the module asks for an executable stack${inObject(situation, wanting)}, which glibc ${version} refuses`,
      evidence: "cannot enable executable stack as shared object requires: PT_GNU_STACK",
      fix: "use a newer build of the module, or clear the mark: patchelf --clear-execstack FILE",
    },
  ];
}
