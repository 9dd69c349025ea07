/** What src/cli.ts passes to the commands of the build side, so that no command reads the process itself. */
import type { Log } from "../base/log.ts";
import type { Scratch } from "../index.ts";
import type { Environment } from "../base/environment.ts";

export interface CommandContext {
  /** The program that runs the command. `check` takes it as the runtime when no other is named. */
  readonly self: { readonly path: string; readonly versions: NodeJS.ProcessVersions; readonly arch: string };
  /**
   * `columns`: width of the terminal at stdout, undefined when there is none. `colour`: whether stdout is a terminal.
   */
  readonly terminal: { readonly columns: number | undefined; readonly colour: boolean };
  readonly setExit: (status: number) => void;
  readonly environment: Environment;
  readonly log: Log;
  /** Makes and removes the private directories of the command. src/cli.ts removes the rest after a signal. */
  readonly scratch: Scratch;
  /** Aborted when the command shall end early. */
  readonly signal: AbortSignal;
  /** Asks a yes-or-no question. Undefined when nobody can answer, because stdin or stderr is no terminal. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  /** Writes a text and a line feed to stdout. The text itself has no final line feed. */
  readonly print: (text: string) => void;
}
