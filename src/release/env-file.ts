/**
 * The `.env` beside a release, as data and never as shell: what the environment says already wins, and variables that
 * steer the loader or the runtime are refused. Pure, and small: both runtimes' preludes carry it.
 */

/** ld.so(8), dyld(1), Node's and Bun's own: they decide what code is loaded, so a data file may not set them. */
const REFUSED = /^(?:NODE_PATH$|NODE_OPTIONS$|LD_|DYLD_|BUN_|GANTRY_)/;

/**
 * Adds the file's values to `env`.
 * @param values what util.parseEnv made of the file
 * @returns names that the file may not set
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
