/**
 * Finds native packages that were compiled in, because nothing in the app's production dependencies names them: only a
 * devDependency does, or no package.json at all. Bun takes their JavaScript and not their native files, so they fail when
 * they are loaded.
 */
import { join, relative } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { readPackage } from "../app/index.ts";
import { readNativeEvidence, readPackageFiles } from "./native-evidence.ts";

export interface InsideOptions {
  /** The packages that are compiled in, by their directories. */
  readonly packages: readonly { readonly id: string; readonly by: string; readonly atStart: boolean }[];
  readonly root: string;
  readonly appDir: string;
}

/**
 * Checks the packages that are compiled in.
 * @returns a warning for each native one that is loaded only by a part of the app
 * @throws GantryError MODULE_UNAVAILABLE with each native one that every start loads
 */
export function refuseNativeInside({ packages, root, appDir }: InsideOptions): string[] {
  const warnings: string[] = [];
  const findings: Finding[] = [];
  for (const { id, by, atStart } of new Map(packages.map((one) => [one.id, one])).values()) {
    const found = readPackage(id, root);
    const evidence = readNativeEvidence(found, readPackageFiles(id));
    if (evidence === undefined) continue;
    const what = `${found.name} is compiled in and will not load there: it ${evidence}, and no production dependency of the app names it`;
    const fix = `move ${found.name} to "dependencies" in ${relative(root, join(appDir, "package.json"))}, so that it stays outside the binary`;
    if (atStart) findings.push({ code: "MODULE_UNAVAILABLE", what, where: by, fix });
    else warnings.push(`${what}; ${by} loads it in some cases: ${fix}`);
  }
  const [first, ...rest] = findings;
  if (first !== undefined) throw new GantryError(first, ...rest);
  return warnings;
}
