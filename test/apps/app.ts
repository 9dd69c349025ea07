/** What an app of the table is: how it is made, started and asked. Pure descriptions; scripts/apps carries them out. */

/** Which of the groups of the table an app belongs to. */
type Group = "server" | "generator" | "starter" | "module";

export type Manager = "npm" | "pnpm" | "yarn" | "bun";

/** How an app comes to be, with exact versions. Its package manager then installs and writes the lockfile. */
type Making =
  /** The published package is the app: its files, as `npm pack` has them. */
  | { readonly by: "package"; readonly spec: string }
  /** A generator is run by `npm exec`, in an empty directory. */
  | { readonly by: "generator"; readonly spec: string; readonly arguments: readonly string[] }
  /** Written out: contents by path. */
  | { readonly by: "files"; readonly files: Readonly<Record<string, string>> };

/** What the running app is asked, and what the answer must contain. */
export type Question =
  | {
      readonly path: string;
      readonly shows: string;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Sends a text through a WebSocket, and reads until what came back contains `shows`. */
  | { readonly socket: string; readonly sends: string; readonly shows: string };

export interface App {
  readonly name: string;
  readonly group: Group;
  readonly runtime: "node" | "bun";
  readonly manager: Manager;
  readonly made: Making;
  /** Commands that follow the making, before the install, each run by `sh -c` in the work directory. */
  readonly edits?: readonly string[];
  /** The app's directory, relative to what was made. */
  readonly directory?: string;
  /** How a plain copy is started at home: commands before it, and the command itself, by `sh -c` in its directory. */
  readonly home: { readonly prepare?: string; readonly start: string };
  /**
   * Arguments of the app. `PORT` stands for the port that it shall take, `STATE` for an empty directory, and `BESIDE` for
   * the directory of the files of `beside`, where a release is started, and a plain copy is not.
   */
  readonly arguments?: readonly string[];
  /** Variables of the app besides PORT; the same words are replaced. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Files that lie in the empty directory where the app is started; the same words are replaced. */
  readonly beside?: Readonly<Record<string, string>>;
  readonly asks: Question;
  /** Seconds from the start to the answer, at most; 60. */
  readonly patience?: number;
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
