/**
 * Checks the `"gantry"` key of an app's package.json. Unknown keys are errors, because a release would be wrong if a
 * mistyped setting were ignored. Nothing here reads the disk; app.ts checks that named files exist.
 */
import * as v from "valibot";
import { GantryError, type Finding } from "../../../base/errors.ts";
import type { Defaults } from "../../clues/index.ts";
import { settingFinding, show } from "./findings.ts";
import { defaultRuntime, nodeFindings, runtimeFindings } from "./runtime.ts";
import { serviceFindings } from "./service.ts";
import { Settings } from "./settings.ts";

export type ParsedSettings =
  | { readonly settings: Settings; readonly findings: readonly [] }
  | { readonly settings: undefined; readonly findings: readonly [Finding, ...Finding[]] };

/**
 * Checks the value of the `"gantry"` key.
 * @param value undefined when package.json has no such key
 * @param where the package.json's path, for messages
 * @param told what the app says about `runtime` and `node` elsewhere, for settings without these keys
 * @returns the settings with their defaults, or one CONFIG_INVALID finding for every mistake, with the path of the key,
 *   its value and, where one is similar, the valid name or value
 */
export function parseSettings(
  value: unknown,
  where: string,
  told?: Pick<Defaults, "runtime" | "node">,
): ParsedSettings {
  if (Array.isArray(value)) {
    const what = `"gantry" is ${show(value)}: it must be an object`;
    return {
      settings: undefined,
      findings: [{ code: "CONFIG_INVALID", what, where, fix: 'correct "gantry" in package.json' }],
    };
  }
  const result = v.safeParse(Settings, value === undefined ? {} : value);
  if (!result.success) {
    const [issue, ...issues] = result.issues;
    const rest = issues.map((one) => settingFinding(one, where));
    return { settings: undefined, findings: [settingFinding(issue, where), ...rest] };
  }
  const { runtime = defaultRuntime(result.output, told), ...output } = result.output;
  const [first, ...rest] = [
    ...serviceFindings(output.service, where),
    ...runtimeFindings({ ...output, runtime }, where),
    ...(runtime === "node" && output.node === undefined ? nodeFindings(told, where) : []),
  ];
  if (first !== undefined) return { settings: undefined, findings: [first, ...rest] };
  const node = output.node ?? (runtime === "node" ? told?.node.value : undefined);
  return {
    settings: Object.freeze({ ...output, runtime, ...(node === undefined ? {} : { node }) }),
    findings: [],
  };
}

/**
 * Checks the value of the `"gantry"` key without the app's files.
 * @throws GantryError CONFIG_INVALID with a finding for every mistake
 */
export function checkSettings(value: unknown, where: string): void {
  const [first, ...rest] = parseSettings(value, where).findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
}
