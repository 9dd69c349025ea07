/** What the commands of the build side are given, so that none of them reads the environment or the process. */
import type { Log } from "../base/log.ts";
import type { Scratch } from "../index.ts";
import type { Environment } from "../base/environment.ts";

export interface CommandContext {
  /** The process that runs the command: the default runtime of `check`. */
  readonly self: { readonly path: string; readonly versions: NodeJS.ProcessVersions; readonly arch: string };
  /** Columns and colour of standard output, when it is a terminal. */
  readonly terminal: { readonly columns: number | undefined; readonly colour: boolean };
  readonly setExit: (status: number) => void;
  readonly environment: Environment;
  readonly log: Log;
  /** Owns the private directories of the command, and removes them at its end. */
  readonly scratch: Scratch;
  /** Receives whole texts without a final line feed. */
  readonly print: (text: string) => void;
}
