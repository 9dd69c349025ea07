/**
 * Reads the `.env` beside a release as data, never as shell. Variables that are set already keep their values.
 * Variables that decide what code the loader or the runtime loads are refused. Pure, and small, because every app's
 * prelude contains it.
 */

/** Variables of ld.so(8), dyld(1), Node and Bun that decide what code is loaded: a data file may not set them. */
const REFUSED = /^(?:NODE_PATH$|NODE_OPTIONS$|LD_|DYLD_|BUN_|GANTRY_)/;

/**
 * Adds the file's values to `env`.
 * @param values the result of util.parseEnv
 * @returns names in the file that were refused
 */
export function applyEnvFile(
  values: Readonly<Record<string, string | undefined>>,
  env: Record<string, string | undefined>,
): string[] {
  const refused: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (REFUSED.test(name)) refused.push(name);
    else if (env[name] === undefined) env[name] = value;
  }
  return refused;
}
