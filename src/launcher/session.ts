/**
 * What every command works with: one release, what the environment asks for, a way to speak, and a signal that says
 * when to stop. main.ts makes it from the process; nothing here reads the process itself.
 */
import type { Finding } from "../errors.ts";
import type { Log } from "../log.ts";
import { ensureTree, type Ensured, type EnsureOptions } from "../provision/ensure.ts";
import { registryFill, type Fill } from "../provision/fill.ts";
import type { Self } from "../provision/judge.ts";
import { placeInRelease, readRelease, type Place, type Release } from "../provision/release.ts";
import type { Reporter } from "../provision/report.ts";
import { readRunning } from "../provision/system.ts";
import type { Environment } from "../runtime/invoke.ts";
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
}

/** Why nothing is fetched: the reason is part of the sentence that people read. */
export type NetworkRule = "allowed" | "GANTRY_OFFLINE=1" | "--offline";

export function networkRule(settings: Settings, flag: "offline" | "as set"): NetworkRule {
  if (flag === "offline") return "--offline";
  return settings.offline ? "GANTRY_OFFLINE=1" : "allowed";
}

/** How an absent tree would be made, or the finding that says why it must not be. */
export function planFill(session: Session, release: Release, network: NetworkRule): Fill | Finding {
  if (release.manifest.install === "vendor") {
    return {
      code: "BUNDLE_MISSING",
      what: "this release takes its modules from a bundle alone, and there is none",
      where: release.layout.vendor,
      fix: COPY,
    };
  }
  if (network !== "allowed") {
    return {
      code: "BUNDLE_MISSING",
      what: `the modules have to be fetched, and ${network} forbids the network`,
      where: release.layout.modules,
      fix: `${COPY}, or run ./gantry prepare once where the network may be used`,
    };
  }
  const { registry, packageManager } = session.settings;
  return registryFill(release, { registry, packageManager, environment: session.environment });
}

const COPY = "copy node_modules from a prepared copy of this same release";

export interface Opened {
  readonly release: Release;
  readonly place: Place;
}

export function openRelease(session: Session): Opened {
  const release = readRelease(session.root, readRunning(session.self, session.environment));
  return { release, place: placeInRelease(release.layout) };
}

/** Makes the modules ready; `renew` makes a new tree whatever is there. */
export async function ensureReady(
  session: Session,
  { release, place }: Opened,
  options: { readonly network: NetworkRule; readonly intent?: EnsureOptions["intent"] },
): Promise<Ensured> {
  const { reporter, environment, signal, self, settings } = session;
  const fill = planFill(session, release, options.network);
  const intent = options.intent ?? "ready";
  const { skip } = settings;
  return ensureTree({ release, place, fill, reporter, environment, signal, self, skip, intent });
}
