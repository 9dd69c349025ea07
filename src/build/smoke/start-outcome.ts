/** What came of the starts of a finished release, and how the table of a build tells it. Pure. */
import { printable, wrapText } from "../../base/text.ts";

/** How a release got its modules before it was started. */
export type Way =
  /** It has no modules. */
  | "no modules"
  /** From the bundle that it carries, without a network. */
  | "vendor"
  /** From the registry. */
  | "registry"
  /** The modules that the build installed were put into it, because its own way could not be tried here. */
  | "installed modules";

/** One start. */
export interface StartOutcome {
  readonly way: Way;
  /**
   * `listening`: a socket of the app listened. `exited`: the app ended by itself, with a status that is allowed.
   * `running`: it ran until the time was up.
   */
  readonly outcome: "listening" | "exited" | "running";
  /** Seconds from its start until that was seen. */
  readonly seconds: number;
  /** Where it listened: `127.0.0.1:3000`, `[::1]:3000`, or the path of a socket. */
  readonly address?: string;
  /** Its exit status. */
  readonly exit?: number;
  /** The last line that it printed, when it ended with another status than 0. */
  readonly said?: string;
  /** The app did not end after SIGTERM, and got SIGKILL. */
  readonly killed?: true;
  /** Why the release's own way could not be tried here. Only for `installed modules`. */
  readonly instead?: string;
}

/** What a build knows of whether a release starts. */
export type ReleaseStart =
  | {
      readonly state: "started";
      /** The network that the app could use meanwhile. */
      readonly network: "loopback" | "open";
      readonly starts: readonly StartOutcome[];
    }
  /** This machine cannot run programs of the target. */
  | { readonly state: "not here" }
  /** The build was told not to start it. */
  | { readonly state: "skipped" };

/** The columns of the table. */
const COLUMNS = 80;
const INDENT = " ".repeat("started: ".length);

/** The lines of the table. */
export function describeStart(start: ReleaseStart): string[] {
  if (start.state === "not here") return ["started: not started here"];
  if (start.state === "skipped") return ["started: no (--no-smoke)"];
  const lines = start.starts.flatMap((one) => [
    `started: ${describeOutcome(one)} (${one.way})`,
    ...[
      one.said,
      one.instead === undefined ? undefined : `not as a host would start it: ${one.instead}`,
      one.killed === undefined ? undefined : "it did not end after SIGTERM",
    ].flatMap((note) => (note === undefined ? [] : indented(note))),
  ]);
  const open = start.network === "open" ? indented("without isolation: the network was open to it") : [];
  return [...lines, ...open];
}

function indented(note: string): string[] {
  return wrapText(printable(note), COLUMNS - INDENT.length).map((line) => INDENT + line);
}

function describeOutcome({ outcome, seconds, address, exit }: StartOutcome): string {
  const time = `after ${seconds.toFixed(1)} s`;
  if (outcome === "listening") return `listening on ${printable(address ?? "a socket")} ${time}`;
  return outcome === "running" ? `running ${time}` : `exited with ${exit ?? 0} ${time}`;
}
