/**
 * Asks registries for the digests of base images. This is the only step of `gantry docker` that uses a network, and
 * runs only on request. Writes nothing.
 */
import { GantryError } from "../../base/errors.ts";
import { fetchImage, type FoundImage, LIMITS, type Limits, type Network } from "../../mirror/index.ts";
import type { Environment } from "../../base/environment.ts";
import { parseImageName } from "./bases.ts";
import { findRelease } from "./find.ts";
import { imagePlatform } from "./render.ts";
import { checkStrategy, chooseBases, type Strategy } from "./strategy.ts";

/** The options of `readBaseDigests`. */
export interface PinOptions {
  /** See writeImageFiles. */
  readonly path: string;
  readonly strategy: Strategy;
  readonly base?: string | undefined;
  /** HOME, DOCKER_CONFIG and NETRC for logins; variables for proxies and certificate authorities. */
  readonly environment: Environment;
  readonly debug: (text: string) => void;
  readonly signal: AbortSignal;
  readonly limits?: Limits;
}

/** Digests (`sha256:…`) by the names of images. The names are those of FROM lines. */
export type Digests = ReadonlyMap<string, string>;

/**
 * Asks for the digests of the base images of the Dockerfile, except those that have one already.
 * @throws GantryError as writeImageFiles and fetchImage do; USAGE for a base that is not made for the release's
 *   platform
 */
export async function readBaseDigests(options: PinOptions): Promise<Digests> {
  const { environment, debug, signal, limits = LIMITS, strategy } = options;
  const found = findRelease(options.path);
  checkStrategy(strategy, found);
  const { base, builder } = chooseBases(strategy, found.manifest, options.base);
  const names = [base.image, ...(strategy === "static-base" ? [builder.image] : [])];
  const platform = imagePlatform(found.manifest);
  const digests = new Map<string, string>();
  for (const name of names) {
    if (digests.has(name) || parseImageName(name).digest !== undefined) continue;
    const { digest, platforms } = await ask(name, { environment, debug, signal, limits });
    if (platforms !== undefined && !platforms.includes(platform))
      throw wrongPlatform(name, platform, platforms);
    digests.set(name, digest);
  }
  return digests;
}

/** Asks for an image. Adds its name to a failure of the registry, because the command line does not show it. */
async function ask(name: string, network: Network): Promise<FoundImage> {
  try {
    return await fetchImage(name, network);
  } catch (error) {
    if (!(error instanceof GantryError) || error.findings[0].code !== "NETWORK_FAILED") throw error;
    const [{ detail = [], ...finding }] = error.findings;
    const why = `--pin asks for the digest of ${name}; without it nothing is asked`;
    throw new GantryError({ ...finding, detail: [...detail, why] });
  }
}

function wrongPlatform(name: string, platform: string, platforms: readonly string[]): GantryError {
  return new GantryError({
    code: "USAGE",
    what: `${name} is not made for ${platform}, which the release is for`,
    detail: [`it is made for ${platforms.join(", ") || "nothing that is known"}`],
    fix: "name another base with --base, or take the release for one of these platforms",
  });
}
