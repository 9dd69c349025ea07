/**
 * Which ways there are to get the modules, best first: what somebody named, the bundle that came with the release or
 * lies beside it, the registry. Only what the release and the environment allow; each failure leads to the next way.
 */
import { GantryError, type Finding } from "../base/errors.ts";
import {
  bundleSource,
  type FoundBundle,
  type ModuleSource,
  findNamedBundle,
  findNearBundle,
  firstSource,
  type NamedBundle,
  registrySource,
  type Release,
} from "../modules/index.ts";
import { readProgramPath } from "../base/process/index.ts";
import type { Environment } from "../base/environment.ts";
import type { Settings } from "./settings.ts";

/** Why nothing is fetched: the reason is part of the sentence that people read. */
export type NetworkRule =
  | "allowed"
  | "GANTRY_OFFLINE=1"
  | "--offline"
  | "its --install=vendor"
  | "its --install=image";

/** Who asks: a start, or a command that a person or an image build gave. */
type Caller = "start" | "command" | "--offline";

/**
 * A release made for `vendor` never reaches for the network; one made for `image` does so while the image is built
 * (./gantry prepare) and not when it starts.
 */
export function networkRule(session: SourceSession, release: Release, caller: Caller): NetworkRule {
  const { install } = release.manifest;
  if (install === "vendor") return "its --install=vendor";
  if (session.settings.offline) return "GANTRY_OFFLINE=1";
  if (caller === "--offline") return "--offline";
  return install === "image" && caller === "start" ? "its --install=image" : "allowed";
}

/** What the plan needs of a session. */
interface SourceSession {
  readonly directory: string;
  readonly settings: Settings;
  readonly environment: Environment;
}

export interface SourceChoice {
  readonly network: NetworkRule;
  /** The value of --from; nothing else is tried then. */
  readonly from?: string | undefined;
}

/** How an absent tree would be made, or the finding that says why it must not be. */
export function planSource(
  session: SourceSession,
  release: Release,
  choice: SourceChoice,
): ModuleSource | Finding {
  const { directory } = session;
  if (choice.from !== undefined)
    return namedSource(session, release, choice, { value: choice.from, by: "--from", directory });
  const { bundle } = session.settings;
  const named =
    bundle === undefined
      ? undefined
      : namedSource(session, release, choice, { value: bundle, by: "GANTRY_BUNDLE", directory });
  const near = findNearBundle(release);
  const sources = [
    ...(near === undefined ? [] : [bundleSource(release, near, session.environment)]),
    ...(choice.network === "allowed" ? fromRegistry(session, release) : []),
  ];
  if (named !== undefined) {
    const [other] = sources;
    if (other === undefined) return named;
    return firstSource(["run" in named ? named : refusal(named), other, ...sources.slice(1)]);
  }
  const [first, ...rest] = sources;
  return first === undefined ? noWay(release, choice.network) : firstSource([first, ...rest]);
}

/** A Bun release brings its package manager; a Node release has the host's npm, if there is one. */
function fromRegistry({ settings, environment }: SourceSession, release: Release): ModuleSource[] {
  const { registry, skip } = settings;
  if (findBundled(release) !== undefined) return [];
  if (release.manifest.runtime.kind === "bun")
    return [
      registrySource(release, { registry, packageManager: settings.packageManager, environment, skip }),
    ];
  if (readProgramPath("npm", environment) === undefined) return [];
  return [registrySource(release, { registry, packageManager: "npm", environment, skip })];
}

function namedSource(
  session: SourceSession,
  release: Release,
  { network }: SourceChoice,
  named: NamedBundle,
): ModuleSource | Finding {
  const source = findNamedBundle(release, named);
  if (!("kind" in source)) return source;
  const refused = refuseNetwork(release, source, network, named);
  return refused ?? bundleSource(release, source, session.environment);
}

function refuseNetwork(
  release: Release,
  source: FoundBundle,
  network: NetworkRule,
  { by }: NamedBundle,
): Finding | undefined {
  if (source.kind === "file" || network === "allowed") return undefined;
  return {
    code: "BUNDLE_MISSING",
    what: `${by} names an address, and ${network} forbids the network`,
    where: release.layout.root,
    fix: `fetch the bundle elsewhere, copy it here, and name the file: ${by === "--from" ? "--from FILE" : "GANTRY_BUNDLE=FILE"}`,
  };
}

/** Fails with what is known already, so that the next way is taken with a word about it. */
function refusal(finding: Finding): ModuleSource {
  return {
    description: "from GANTRY_BUNDLE",
    run: () => Promise.reject(new GantryError(finding)),
  };
}

/**
 * A required module that no registry has as it was built: its install script made it, and scripts never run on a host.
 * An optional one is left out instead, as when it does not arrive.
 */
function findBundled({ manifest }: Release): string | undefined {
  const required = new Set(manifest.externals.flatMap(({ name, optional }) => (optional ? [] : [name])));
  return Object.values(manifest.modules).find(
    ({ source, neededBy }) => source === "bundle" && neededBy.some((name) => required.has(name)),
  )?.name;
}

const COPY = "copy the bundle beside the release, or node_modules from a prepared copy of this same release";

function noWay(release: Release, network: NetworkRule): Finding {
  if (release.manifest.install === "vendor") {
    return {
      code: "BUNDLE_MISSING",
      what: "this release takes its modules from a bundle alone, and there is none",
      where: release.layout.vendor,
      fix: `${COPY}; ./gantry prepare --from FILE takes one from elsewhere`,
    };
  }
  const bundled = findBundled(release);
  if (bundled !== undefined) {
    return {
      code: "BUNDLE_MISSING",
      what: `${bundled} was made by its install script when the release was built, so it comes from a bundle alone, and there is none`,
      where: release.layout.vendor,
      fix: `${COPY}; ./gantry prepare --from FILE takes one from elsewhere`,
    };
  }
  if (network === "allowed") {
    return {
      code: "BUNDLE_MISSING",
      what: "there is no bundle, and a Node release can fetch its modules only with the host's npm, which is not on the PATH",
      where: release.layout.vendor,
      fix: `${COPY}, or install npm`,
    };
  }
  return {
    code: "BUNDLE_MISSING",
    what: `the modules have to be fetched, and ${network} forbids the network`,
    where: release.layout.modules,
    fix: `${COPY}, or run ./gantry prepare once where the network may be used`,
  };
}
