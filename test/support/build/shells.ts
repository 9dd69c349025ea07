/** The shells at hand for the scripts of a release. A run draws two of them for each table. */
import { spawnSync } from "node:child_process";
import { readProgramPath } from "../../../src/base/process/index.ts";
import { realpathSync } from "node:fs";
import { partOf } from "../wide-table.ts";

const fileOf = (command: string): string | undefined => {
  const path = readProgramPath(command, process.env);
  return path === undefined ? undefined : realpathSync(path);
};
/** Where sh is dash itself, as on Debian, it is not run twice. */
const SH = fileOf("sh") === fileOf("dash") ? [] : [["sh"]];
const POSIX = [...SH, ["dash"], ["busybox", "sh"], ["bash", "--posix"]];
const present = (shells: readonly string[][]): readonly string[][] =>
  shells.filter(([command = ""]) => spawnSync(command, ["-c", "true"]).error === undefined);

/** Those that keep to POSIX. */
export const SHELLS = partOf("shells", present(POSIX), 2);
/** Those that may start the launcher. */
export const LAUNCH_SHELLS = partOf("shells that start the launcher", present([...POSIX, ["bash"]]), 2);
