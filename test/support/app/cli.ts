/** The gantry command as it is built, run to its end as people run it. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const CLI = fileURLToPath(new URL("../../../dist/cli.js", import.meta.url));
/** The development dependency's, for apps that bring none. */
export const BUN = fileURLToPath(new URL("../../../node_modules/bun/bin/bun.exe", import.meta.url));

export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param extra variables beside those of the tests */
export function runCli(
  cwd: string,
  args: readonly string[],
  extra: Readonly<Record<string, string>> = {},
): Said {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...extra },
  });
  return { status, stdout, stderr };
}
