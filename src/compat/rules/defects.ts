/**
 * Defects of runtime versions that end the process although every symbol is there. Each row was reproduced with a
 * module of a few lines on the versions around its boundary. A row says what a module must use to be affected.
 */
import { compareDotted } from "../../base/versions.ts";
import type { Draft } from "../compat-finding.ts";
import { listed } from "../compat-finding.ts";
import { runtimeName, shippedObjects, type Situation } from "./situation.ts";

interface Defect {
  readonly kind: "bun" | "node";
  /** First version without the defect. */
  readonly fixedIn: string;
  /** Names that a module must all import for the defect to be reachable. */
  readonly imports: readonly RegExp[];
  readonly what: string;
}

const DEFECTS: readonly Defect[] = [
  {
    kind: "bun",
    fixedIn: "1.3.2",
    // node-addon-api deletes its finalizer's data when the call fails, and this Bun has already run the finalizer
    // then.
    imports: [/^napi_create_external_buffer$/, /^_ZdlPvm?$/],
    what: "returns an error for an external buffer without data after it has freed it: C++ modules free it twice",
  },
];

/** Members of std::regex's scanner: the same names for both string layouts, which differ inside. */
const SCANNER = ["_ZNSt8__detail8_ScannerIcE10_M_advanceEv", "_ZNSt8__detail8_ScannerIcE12_M_eat_classEc"];

/**
 * Finds a module with libstdc++'s old strings (before GCC 5) that exports inner functions of std::regex which the
 * runtime exports too. The loader then gives the module the runtime's functions, which expect another layout of
 * strings.
 */
export function judgeOldStrings({ file, runtime, family }: Situation): Draft[] {
  const names = file.imports().map(({ name }) => name);
  const old =
    names.some((name) => name.startsWith("_ZNSs")) && !names.some((name) => name.includes("__cxx11"));
  if (family === "musl" || !old) return [];
  const shared = SCANNER.find((name) => file.exports().has(name) && runtime.file.exports().has(name));
  if (shared === undefined) return [];
  return [
    {
      code: "LOAD_CRASHED",
      what: `the module and ${runtimeName(runtime)} share std::regex's inner functions but not the layout of its strings: its first regular expression crashes`,
      evidence: shared,
      fix: "use a newer build of the module (GCC 5 strings), or a runtime that does not export these functions",
    },
  ];
}

export function judgeDefects(situation: Situation): Draft[] {
  const { facts } = situation.runtime;
  if (!facts.version.known) return [];
  const version = facts.version.value;
  const names = shippedObjects(situation).flatMap(({ library }) => library.imports().map(({ name }) => name));
  return DEFECTS.filter(({ kind, fixedIn }) => kind === facts.kind && compareDotted(version, fixedIn) < 0)
    .map((defect) => ({
      defect,
      hits: defect.imports.map((wanted) => names.find((name) => wanted.test(name))),
    }))
    .flatMap(({ defect, hits }): Draft[] => {
      const found = hits.filter((hit) => hit !== undefined);
      if (found.length < defect.imports.length) return [];
      return [
        {
          code: "LOAD_CRASHED",
          what: `${runtimeName(situation.runtime)} ${defect.what}`,
          evidence: listed(found),
          fix: `use ${defect.kind} ${defect.fixedIn} or newer`,
        },
      ];
    });
}
