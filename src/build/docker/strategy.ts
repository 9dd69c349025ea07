/**
 * The strategies for making an image, and the releases that each accepts. Wrong combinations are refused here, before a
 * file is written. Pure.
 */
import { GantryError } from "../../base/errors.ts";
import { parseTarget } from "../../release/index.ts";
import {
  addonBase,
  alpineOfNode,
  alpineWithNode,
  parseImageName,
  shellBase,
  shellLessBase,
  type Base,
} from "./bases.ts";
import type { FoundRelease } from "./find.ts";

/** The strategies, which docs/images.md describes. */
export const STRATEGIES = [
  "multi-stage",
  "runtime",
  "lazy",
  "vendored",
  "node-alpine",
  "static-base",
] as const;

/** One of `STRATEGIES`. */
export type Strategy = (typeof STRATEGIES)[number];

/** Strategies whose image installs from a registry, when it is built or when it starts. */
const FROM_REGISTRY: ReadonlySet<Strategy> = new Set(["runtime", "lazy"]);

/**
 * Checks that a strategy fits a release.
 * @throws GantryError USAGE or BUNDLE_MISSING when the strategy is not for this release
 */
export function checkStrategy(strategy: Strategy, { manifest, vendored, root }: FoundRelease): void {
  const target = parseTarget(manifest.target);
  if (target.os !== "linux") {
    throw refusal(
      `this is the ${target.name} release, and images run Linux`,
      "build one with --target linux-x64-gnu",
    );
  }
  if (strategy === "vendored" && !vendored && Object.keys(manifest.modules).length > 0) {
    throw new GantryError({
      code: "BUNDLE_MISSING",
      what: "the release carries no bundle of its modules",
      where: root,
      fix: `build it with gantry build --vendor, or add one with gantry bundle --target ${target.name}`,
    });
  }
  if (FROM_REGISTRY.has(strategy) && manifest.install === "vendor") {
    throw refusal(
      `the release takes its modules from its bundle alone, and ${strategy} images install them from a registry`,
      "use --strategy vendored",
    );
  }
  const { runtime } = manifest;
  if (FROM_REGISTRY.has(strategy) && runtime.kind === "node") {
    throw refusal(
      `a release that runs on Node brings no package manager, and ${strategy} images install from a registry`,
      "use --strategy multi-stage or vendored, which take the modules from the release's bundle",
    );
  }
  const system = runtime.kind === "node" && runtime.system;
  if (strategy === "node-alpine" && !(system && target.libc === "musl")) {
    throw refusal(
      `node-alpine is for apps that run on the Node of a musl host, and this is a ${describe(manifest)} release`,
      'set "gantry.runtime" to "node" and "gantry.node" to "system", and build with --target linux-x64-musl',
    );
  }
  if (strategy === "static-base" && system) {
    throw refusal(
      "the release runs on the host's own Node, which its script looks for, and static-base images have no shell",
      'use another strategy, or let the release bring its Node: set "gantry.node" to a version',
    );
  }
}

function refusal(what: string, fix: string): GantryError {
  return new GantryError({ code: "USAGE", what, fix });
}

function describe({ runtime, target }: FoundRelease["manifest"]): string {
  const kind = runtime.kind === "bun" ? "Bun" : runtime.system ? "system Node" : "Node";
  return `${kind} ${target}`;
}

export interface Bases {
  readonly base: Base;
  /** The image in which static-base images install their modules. */
  readonly builder: Base;
  /** The base image from which Home Assistant builds a node-alpine add-on. */
  readonly addon: string | undefined;
  /** Digest of `base`, when it is known. */
  readonly digest: string | undefined;
}

/**
 * Chooses the base images for a release.
 * @param named the `--base` of the command line
 * @throws GantryError USAGE for a name that is invalid, or when no base is known
 */
export function chooseBases(
  strategy: Strategy,
  manifest: FoundRelease["manifest"],
  named: string | undefined,
): Bases {
  const builder = shellBase(manifest);
  const node = strategy === "node-alpine" && manifest.runtime.kind === "node" ? manifest.runtime : undefined;
  if (named !== undefined) {
    const { digest } = parseImageName(named);
    const addon = node === undefined ? undefined : addonOf(named, node.abi);
    return { base: { image: named, megabytes: 0 }, builder, addon, digest };
  }
  if (node !== undefined) {
    const base = alpineWithNode(node.abi, node.version.split(".")[0] ?? "");
    return { base, builder, addon: addonBase(base.version), digest: undefined };
  }
  const base = strategy === "static-base" ? shellLessBase(manifest) : builder;
  return { base, builder, addon: undefined, digest: undefined };
}

/**
 * The base image of an add-on when the user named a base: that one, if it is Home Assistant's; else Home Assistant's
 * base with the same Alpine, or with an Alpine that has the same Node; else the named one.
 */
function addonOf(named: string, abi: number): string {
  if (/(?:^|\/)home-assistant\//.test(named)) return named;
  const alpine = /(?:^|\/)alpine:(\d+\.\d+)/.exec(named)?.[1] ?? alpineOfNode(abi);
  return alpine === undefined ? named : addonBase(alpine);
}

/**
 * Adds digests to the names of the base images.
 * @param digests digests by the images' names; a base without an entry stays unchanged
 */
export function pinBases(bases: Bases, digests: ReadonlyMap<string, string>): Bases {
  const pinned = (base: Base): Base => {
    const digest = digests.get(base.image);
    return digest === undefined ? base : { ...base, image: `${base.image}@${digest}` };
  };
  const { base, builder, addon } = bases;
  return {
    base: pinned(base),
    builder: pinned(builder),
    addon: addon === base.image ? pinned(base).image : addon,
    digest: bases.digest ?? digests.get(base.image),
  };
}
