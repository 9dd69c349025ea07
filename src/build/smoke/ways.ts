/** Which ways of getting its modules a release claims. Each of them is tried. Pure. */
import type { Manifest } from "../../release/index.ts";
import type { Way } from "./start-outcome.ts";

/**
 * The ways that a release claims, in the order of a start.
 * @param carries whether the release carries the bundle of its own target
 */
export function claimedWays(
  { install, modules }: Pick<Manifest, "install" | "modules">,
  carries: boolean,
): [Way, ...Way[]] {
  if (Object.keys(modules).length === 0) return ["no modules"];
  if (install === "vendor") return ["vendor"];
  // Whoever makes an image has the bundle, or the registry.
  if (install === "image") return carries ? ["vendor"] : ["registry"];
  return carries ? ["vendor", "registry"] : ["registry"];
}

/** What keeps a way from being tried on this machine. */
export interface Obstacles {
  /** The release pins a key, and its bundle is signed after the build. */
  readonly unsigned: boolean;
  /** A Node release fetches its modules with npm, and there is none. */
  readonly npmMissing: boolean;
}

/** Why a way cannot be tried here; undefined when it can. */
export function obstacleOf(way: Way, { unsigned, npmMissing }: Obstacles): string | undefined {
  if (way === "vendor" && unsigned) return "its bundle is not signed yet";
  if (way === "registry" && npmMissing) return "there is no npm here to fetch its modules with";
  return undefined;
}
