/**
 * Plans where the modules come from, best source first: the bundle that a person named, the bundle in or beside the
 * release, the registry. Only sources that the release and the environment allow are used.
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
import { onlyBundled } from "../release/index.ts";
import type { Environment } from "../base/environment.ts";
import type { Settings } from "./settings.ts";

/** `allowed`, or what forbids the network, in the words of messages. */
export type NetworkRule =
  | "allowed"
  | "GANTRY_OFFLINE=1"
  | "--offline"
  | "its --install=vendor"
  | "its --install=image";

/** What asks for modules: a start, a command, or a command with --offline. */
type Caller = "start" | "command" | "--offline";

/**
 * Whether the network may be used. A release that is installed as `vendor` never uses it. A release that is installed
 * as `image` uses it for commands, such as `./gantry prepare` while the image is built, and not for a start.
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
  /** The value of --from. When it is given, it is the only source. */
  readonly from?: string | undefined;
}

/** The source from which missing modules are taken, or the finding that says why there is none. */
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

/**
 * The registry as a module source. A Bun release contains a package manager, and a Node release needs the host's npm.
 * Empty for a Node release without npm, and when a required module comes only from a bundle.
 */
function fromRegistry({ settings, environment }: SourceSession, release: Release): ModuleSource[] {
  const { registry, skip } = settings;
  if (onlyBundled(release.manifest).length > 0) return [];
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

/** A module source that fails with this finding: firstSource prints it as a warning and tries the next one. */
function refusal(finding: Finding): ModuleSource {
  return {
    description: "from GANTRY_BUNDLE",
    run: () => Promise.reject(new GantryError(finding)),
  };
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
  const [bundled] = onlyBundled(release.manifest);
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
