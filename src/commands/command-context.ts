/** What the commands of the build side are given, because none of them reads the process that it runs in. */
import type { Log } from "../base/log.ts";
import type { Scratch } from "../index.ts";
import type { Environment } from "../base/environment.ts";

export interface CommandContext {
  /** The process that runs the command: the default runtime of `check`. */
  readonly self: { readonly path: string; readonly versions: NodeJS.ProcessVersions; readonly arch: string };
  /** Columns and colour of standard output, where it is a terminal. */
  readonly terminal: { readonly columns: number | undefined; readonly colour: boolean };
  readonly setExit: (status: number) => void;
  readonly environment: Environment;
  readonly log: Log;
  /** Owns the private directories of what the command does. */
  readonly scratch: Scratch;
  /** Receives whole texts without a final line feed. */
  readonly print: (text: string) => void;
}
