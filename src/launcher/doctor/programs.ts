/** Finds the programs of the host that the app calls. */
import type { Finding } from "../../base/errors.ts";
import { readProgramPath, UNIT_PATH } from "../../base/process/index.ts";
import type { Environment } from "../../base/environment.ts";
import { installProgram } from "../../compat/index.ts";

/**
 * Findings for programs that are neither on the caller's PATH nor on that of services.
 * @param system ID of os-release(5), read only when a program is missing
 */
export function checkPrograms(
  programs: readonly string[],
  environment: Environment,
  system: () => string | undefined,
): Finding[] {
  const places = [environment, { PATH: UNIT_PATH }];
  return programs.flatMap((program): Finding[] => {
    if (places.some((place) => readProgramPath(program, place) !== undefined)) return [];
    const what = `the app calls ${program}, which is not installed here`;
    return [{ code: "PROGRAM_MISSING", what, fix: installProgram(program, system()) }];
  });
}
