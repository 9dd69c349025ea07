/**
 * What every command works with: one release, what the environment asks for, a way to speak, and a signal that says
 * when to stop. main.ts makes it from the process; nothing here reads the process itself.
 */
import type { Log } from "../log.ts";
import { ensureTree, type Ensured, type EnsureOptions } from "../provision/ensure.ts";
import type { Self } from "../provision/judge.ts";
import { placeInRelease, readRelease, type Place, type Release } from "../provision/release.ts";
import type { Reporter } from "../provision/report.ts";
import { readRunning } from "../provision/system.ts";
import type { Environment } from "../runtime/invoke.ts";
import { planFill, type FillChoice } from "./fill-plan.ts";
import type { Settings } from "./settings.ts";

export interface Session {
  /** The release's root directory. */
  readonly root: string;
  readonly settings: Settings;
  readonly environment: Environment;
  readonly log: Log;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** What the running process says of itself. */
  readonly self: Self;
  /** Width of the terminal that standard output is, or 80; colour only where it is one. */
  readonly columns: number;
  readonly colour: boolean;
  /** Writes a line to standard output, for results that were asked for. */
  readonly print: (text: string) => void;
  /** Asks the person at the terminal for a line; undefined where there is none. */
  readonly ask: (question: string) => Promise<string | undefined>;
}

export interface Opened {
  readonly release: Release;
  readonly place: Place;
}

export function openRelease(session: Session): Opened {
  const release = readRelease(session.root, readRunning(session.self, session.environment));
  return { release, place: placeInRelease(release.layout) };
}

/** Makes the modules ready; `mend` puts right what is wrong with a tree that is there. */
export async function ensureReady(
  session: Session,
  { release, place }: Opened,
  options: FillChoice & { readonly intent?: EnsureOptions["intent"] },
): Promise<Ensured> {
  const { reporter, environment, signal, self, settings } = session;
  const fill = planFill(session, release, options);
  const intent = options.intent ?? "ready";
  const { skip } = settings;
  return ensureTree({ release, place, fill, reporter, environment, signal, self, skip, intent });
}
