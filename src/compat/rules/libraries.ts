/**
 * Do all libraries that the module needs exist here, by this loader's search rules? Sources: ld.so(8); musl's
 * ldso/dynlink.c; Bun 1.4's check of DT_NEEDED on musl (it names glibc in its error). A name that only the other C
 * library uses means that the module was built for that one.
 */
import { compareDotted } from "../../base/versions.ts";
import { installCommand } from "../system-packages.ts";
import type { Draft } from "../compat-finding.ts";
import { listed } from "../compat-finding.ts";
import { GLIBC_NAMES, MUSL_NAMES } from "../libc-names.ts";
import type { MissingLibrary } from "../library-closure.ts";
import type { Situation } from "./situation.ts";

export function judgeLibraries(situation: Situation): Draft[] {
  return judgeBunOnMusl(situation) ?? judgeMissing(situation);
}

/** Bun searches the names in the first 64 KB of the string table only. Files with a longer one pass its check. */
const BUN_STRINGS = 65_536;

function judgeBunOnMusl({ family, runtime, file }: Situation): Draft[] | undefined {
  const { kind, version } = runtime.facts;
  if (family !== "musl" || kind !== "bun" || !version.known) return undefined;
  if (compareDotted(version.value, "1.4.0") < 0) return undefined;
  const glibc = file.needed.find((name) => GLIBC_NAMES.test(name));
  if (glibc === undefined || file.stringsSize > BUN_STRINGS) return undefined;
  return [
    {
      code: "LIBC_MISMATCH",
      what: `the module is for glibc (it needs ${glibc}); this runtime uses musl`,
      evidence: glibc,
      fix: "use the module's musl build, or a glibc release on a glibc host",
    },
  ];
}

/**
 * musl provides libc.so.6 and its parts itself, so a glibc module may load there. The two differ in the layout of
 * locale, stdio and thread data and in what many calls do: the module may run, and may crash at any call.
 */
export function judgeGlibcOnMusl({ family, file }: Situation): Draft[] {
  const glibc = family === "musl" ? file.needed.find((name) => GLIBC_NAMES.test(name)) : undefined;
  if (glibc === undefined) return [];
  return [
    {
      code: "LIBC_MISMATCH",
      what: `the module is for glibc (it needs ${glibc}); it loads on musl, but may crash in any call`,
      evidence: glibc,
      fix: "use the module's musl build, or a glibc release on a glibc host",
    },
  ];
}

function judgeMissing(situation: Situation): Draft[] {
  const { closure, family, file, host } = situation;
  const [first] = closure.missing;
  if (first === undefined) return [];
  const other = closure.missing.find(({ name }) =>
    (family === "glibc" ? MUSL_NAMES : GLIBC_NAMES).test(name),
  );
  const ownNames = family === "glibc" ? GLIBC_NAMES : MUSL_NAMES;
  // A module that also needs a library of this C library was built for it, and gets LIBRARY_MISSING below.
  if (other !== undefined && !file.needed.some((name) => ownNames.test(name))) {
    const [its, ours] = family === "glibc" ? ["musl", "glibc"] : ["glibc", "musl"];
    return [
      {
        code: "LIBC_MISMATCH",
        what: `the module is for ${its} (it needs ${other.name}); this runtime uses ${ours}`,
        evidence: `${first.name}: ${first.reason}`,
        fix: `use the module's ${ours} build, or the ${its} release on a host with ${its}`,
      },
    ];
  }
  return closure.missing.map((missing) => {
    const where = missing.path === undefined ? "" : `, ${missing.path}`;
    return {
      code: "LIBRARY_MISSING" as const,
      what: `${missing.name} is needed${by(missing, situation)} and ${missing.path === undefined ? "is not on this host" : "cannot be used"}`,
      evidence: `${missing.name}: ${missing.reason}${where}`,
      fix: fixFor(missing, closure.missing, installCommand(missing.name, host)),
    };
  });
}

function by({ neededBy }: MissingLibrary, { closure }: Situation): string {
  return neededBy === closure.objects[0]?.path ? "" : ` by ${neededBy.replace(/^.*\//, "")}`;
}

function fixFor({ name }: MissingLibrary, all: readonly MissingLibrary[], install: string): string {
  // A library with three or more numbers in its version is one package's own build, shipped beside the module.
  if (/\.so(\.\d+){3,}$/.test(name)) {
    return `install the package that ships ${listed(all.map((missing) => missing.name))} beside the module`;
  }
  return install;
}
