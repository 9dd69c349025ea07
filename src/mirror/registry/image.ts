/**
 * Finds the image that a tag names now: the digest of its manifest or index, computed from the bytes that the registry
 * serves. Names are read as container engines read them: a name without a registry is Docker Hub's.
 */
import { GantryError } from "../../base/errors.ts";
import { openAddress, type RegistryAddress } from "../address.ts";
import { entriesOf, INDEX, MANIFEST, readServed, type Descriptor, type Served } from "./artifact.ts";
import { openRegistry, registryFailure, type Registry } from "./registry.ts";
import { retrying, type Network } from "../http/request.ts";

/** Docker's own types, older than OCI's and still served ("Image Manifest Version 2, Schema 2"). */
const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
const INDEXES: ReadonlySet<string> = new Set([INDEX, DOCKER_INDEX]);
const ACCEPTED = [INDEX, DOCKER_INDEX, MANIFEST, DOCKER_MANIFEST];

/** The registry for names without a host, and its name in Docker's configuration. */
const HUB = { host: "registry-1.docker.io", loginHost: "index.docker.io" };
const HUB_NAMES: ReadonlySet<string> = new Set(["docker.io", "index.docker.io", HUB.host]);

export interface FoundImage {
  /** `sha256:` and 64 hex digits: the digest of the index if the tag has images for several platforms. */
  readonly digest: string;
  /** `os/architecture` in Go's names; undefined when the tag has a single image. */
  readonly platforms: readonly string[] | undefined;
}

/**
 * Asks an image's registry for the digest of its tag.
 * @param name `NAME:TAG` as a FROM line takes it
 * @throws GantryError USAGE for a name that no registry could have and for an image that is not there;
 *   NETWORK_FAILED, PERMISSION_DENIED, DIGEST_MISMATCH; the signal's reason
 */
export async function fetchImage(name: string, network: Network): Promise<FoundImage> {
  const address = parseImageAddress(name);
  const registry = openRegistry(address, withoutToken(network), loginAdvice(name, address));
  const served = await retrying(network, () => readImage(registry, name));
  if (!INDEXES.has(served.mediaType)) return { digest: served.digest, platforms: undefined };
  return { digest: served.digest, platforms: entriesOf(served).flatMap(platformOf) };
}

/**
 * Parses an image's name ("reference" of the distribution project): its first part is a host when it has a dot or a port,
 * or is localhost. Registries on this machine are used without TLS, as container engines do.
 * @throws GantryError USAGE
 */
export function parseImageAddress(name: string): RegistryAddress {
  const [first = "", ...rest] = name.split("/");
  const hosted = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const host = hosted ? first : "docker.io";
  const path = hosted ? rest.join("/") : name;
  if (!HUB_NAMES.has(host)) return openImageAddress(`${host}/${path}`, name);
  const full = path.includes("/") ? path : `library/${path}`;
  return { ...openImageAddress(`${HUB.host}/${full}`, name), loginHost: HUB.loginHost };
}

function openImageAddress(address: string, name: string): RegistryAddress {
  try {
    const opened = openAddress(`oci://${address}`);
    if (opened.kind === "registry" && opened.login === undefined) return opened;
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
  }
  const fix = "write it as a FROM line does: debian:bookworm-slim, registry.example/team/base:1.2";
  throw new GantryError({ code: "USAGE", what: `"${name}" is no image that a registry could have`, fix });
}

/** Without GANTRY_TOKEN, which is for a mirror and must not be sent to other hosts. */
function withoutToken(network: Network): Network {
  return { ...network, environment: { ...network.environment, GANTRY_TOKEN: "" } };
}

function loginAdvice(name: string, { origin, loginHost }: RegistryAddress): string {
  const host = loginHost ?? origin.host;
  return (
    `check the name: registries say this of images that do not exist, too. If it is private, name the digest yourself ` +
    `(--base ${name}@sha256:…), or put the login for ${host} into Docker's config.json or a ~/.netrc (mode 600)`
  );
}

async function readImage(registry: Registry, name: string): Promise<Served> {
  const { reference, origin } = registry.address;
  const url = registry.locate(`manifests/${reference}`);
  const response = await registry.send(url, { headers: { accept: ACCEPTED.join(", ") } });
  if (response.status === 404) {
    response.discard();
    const fix = "check its name and its tag, with docker pull for example";
    throw new GantryError({ code: "USAGE", what: `${origin.host} has no image ${name}`, fix });
  }
  if (response.status !== 200) throw registryFailure(response);
  const served = await readServed(response, url, reference);
  if (served !== undefined && ACCEPTED.includes(served.mediaType)) return served;
  throw new GantryError({
    code: "NETWORK_FAILED",
    what: `what ${origin.host} answers for ${name} is no image`,
    detail: served === undefined ? ["it is no JSON"] : [`it is ${served.mediaType}`],
    fix: "check the name; a network that wants a sign-in, or a proxy, may have answered in the registry's place",
  });
}

/** Entries of unknown platforms are attestations, not images. */
function platformOf({ platform }: Descriptor): string[] {
  const { os, architecture } = platform ?? {};
  if (os === undefined || architecture === undefined || os === "unknown") return [];
  return [`${os}/${architecture}`];
}
