/**
 * Defects of runtime versions that end the process although every symbol is there. Each row was reproduced with
 * a module of a few lines on the versions around its boundary; a row says what the module must use to be hit.
 */
import { compareVersions } from "./advice.ts";
import type { Draft } from "./finding.ts";
import { listed } from "./finding.ts";
import { runtimeName, shippedObjects, type Situation } from "./situation.ts";

interface Defect {
  readonly kind: "bun" | "node";
  /** First version without it. */
  readonly fixedIn: string;
  /** All of these must be imported for the defect to be reachable. */
  readonly imports: readonly RegExp[];
  readonly what: string;
}

const DEFECTS: readonly Defect[] = [
  {
    kind: "bun",
    fixedIn: "1.3.2",
    // node-addon-api deletes its finalizer's data when the call fails; this Bun has run the finalizer by then.
    imports: [/^napi_create_external_buffer$/, /^_ZdlPvm?$/],
    what: "answers an error for an external buffer without data after it has freed it: C++ modules free it twice",
  },
];

export function judgeDefects(situation: Situation): Draft[] {
  const { facts } = situation.runtime;
  if (!facts.version.known) return [];
  const version = facts.version.value;
  const names = shippedObjects(situation).flatMap(({ library }) => library.imports().map(({ name }) => name));
  return DEFECTS.filter(({ kind, fixedIn }) => kind === facts.kind && compareVersions(version, fixedIn) < 0)
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
