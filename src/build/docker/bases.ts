/**
 * The base images that gantry proposes: what each provides for a release, and its approximate size. The names have a
 * version and no digest: a tag gets a new image every few weeks, so a digest here would soon be old (see pin.ts). Pure.
 */
import { GantryError } from "../../base/errors.ts";
import { type Manifest, parseTarget } from "../../release/index.ts";

export interface Base {
  /** The image's name, as in a FROM line. */
  readonly image: string;
  /** Approximate size of its download in millions of bytes. */
  readonly megabytes: number;
}

/**
 * Debian's releases by their glibc, oldest first, because a program that was built for an older glibc runs on newer
 * ones. Their slim images have libstdc++ and libgcc, because apt needs them. Debian 12 gets security fixes (LTS) until
 * June 2028, Debian 13 until June 2030 (wiki.debian.org/LTS). `megabytes` is the size of Debian's slim image, `node`
 * that of Node's image on it, both from Docker Hub in autumn 2026.
 */
const DEBIAN = [
  { name: "bookworm", glibc: "2.36", megabytes: 28, node: 80 },
  { name: "trixie", glibc: "2.41", megabytes: 30, node: 82 },
] as const;

/**
 * The base on Debian without a shell. `cc` is the variant with libstdc++ and libgcc. It is always Debian 13, because
 * the images of Debian 12 are deprecated since September 2026 (distroless, SUPPORT_POLICY.md), and programs that need
 * an older glibc run on a newer one.
 */
const DISTROLESS: Base = { image: "gcr.io/distroless/cc-debian13:nonroot", megabytes: 12 };

/** The newest stable Alpine. It was released in June 2026. */
const ALPINE = "3.24";

/**
 * By NODE_MODULE_VERSION, the newest stable Alpine whose `nodejs` package has it: 3.23 and 3.24 have Node 24, 3.21 and
 * 3.22 have 22, 3.19 and 3.20 have 20 (release notes, and Dockerfiles that pin the package). No stable Alpine has Node
 * 26 in that package. The other Node package, nodejs-current, changes its major version within a release. An Alpine
 * release gets fixes for two years: 3.22 until May 2027, 3.24 until May 2028. Node 20 and Alpine 3.20 both ended in
 * April 2026.
 */
const ALPINE_OF_ABI: Readonly<Record<number, string>> = { 115: "3.20", 127: "3.22", 137: "3.24" };

/**
 * By Node's major version, the Alpine of Docker's Node images where it is not the newest. A tag without an Alpine
 * version would change the distribution of an image later. The images of Node 20 ended before Alpine 3.24 came
 * (Docker's official-images, library/node).
 */
const ALPINE_OF_NODE: Readonly<Record<string, string>> = { "20": "3.23" };

/** The base image with a shell for a release. */
export function shellBase(manifest: Manifest): Base {
  const { runtime } = manifest;
  const musl = parseTarget(manifest.target).libc === "musl";
  if (runtime.kind === "node" && runtime.system) {
    const major = runtime.version.split(".")[0] ?? "";
    if (musl) return { image: `node:${major}-alpine${ALPINE_OF_NODE[major] ?? ALPINE}`, megabytes: 56 };
    const { name, node } = oldestDebian(manifest);
    return { image: `node:${major}-${name}-slim`, megabytes: node };
  }
  if (musl) return { image: `alpine:${ALPINE}`, megabytes: 4 };
  const { name, megabytes } = oldestDebian(manifest);
  return { image: `debian:${name}-slim`, megabytes };
}

/**
 * The base image without a shell for a release.
 * @throws GantryError USAGE for a C library for which no such base is known
 */
export function shellLessBase(manifest: Manifest): Base {
  if (parseTarget(manifest.target).libc === "gnu") return DISTROLESS;
  throw new GantryError({
    code: "USAGE",
    what: `no base without a shell is known for ${manifest.target}`,
    fix: "name one with --base, or use the release for linux-x64-gnu",
  });
}

/** The newest stable Alpine whose `nodejs` package has this NODE_MODULE_VERSION. Undefined when there is none. */
export function alpineOfNode(abi: number): string | undefined {
  return ALPINE_OF_ABI[abi];
}

/**
 * The Alpine image on which the `nodejs` package has this Node.
 * @param abi its NODE_MODULE_VERSION
 * @param major its major version, for messages
 * @throws GantryError USAGE for a Node that no stable Alpine has
 */
export function alpineWithNode(abi: number, major: string): Base & { readonly version: string } {
  const version = alpineOfNode(abi);
  if (version !== undefined) return { image: `alpine:${version}`, version, megabytes: 4 };
  throw new GantryError({
    code: "USAGE",
    what: `no stable Alpine is known to have Node ${major}, and edge changes under an image`,
    fix: "name one with --base alpine:VERSION, or build the release for a Node of 20, 22 or 24",
  });
}

/**
 * Home Assistant's base image for add-ons. Since 2026 one name serves all processors; before, each processor had its
 * own (home-assistant/docker-base).
 */
export function addonBase(alpine: string): string {
  return `ghcr.io/home-assistant/base:${alpine}`;
}

function oldestDebian(manifest: Manifest): (typeof DEBIAN)[number] {
  const needed = manifest.requires?.glibc?.value ?? "2.0";
  return DEBIAN.find(({ glibc }) => minor(glibc) >= minor(needed)) ?? DEBIAN[1];
}

/** The second number of a glibc version. The first has been 2 since 1997. */
function minor(version: string): number {
  return Number(version.split(".")[1] ?? 0);
}

/** The parts of an image's name in a FROM line, `NAME[:TAG][@sha256:DIGEST]`. `name` includes the tag. */
export interface ImageName {
  readonly name: string;
  readonly digest: string | undefined;
}

/**
 * An image's name in the grammar of the distribution project (github.com/distribution/reference). Of its digests only
 * SHA-256 is accepted, which is the one in use today.
 */
const IMAGE =
  /^([a-z0-9]+(?:[._:/-]+[a-zA-Z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?)(?:@(sha256:[0-9a-f]{64}))?$/;

/**
 * Splits an image's name into its parts.
 * @throws GantryError USAGE for a text that is no image's name; and, when there is no digest, for a name without a tag
 *   or with the tag `latest` or `edge`
 */
export function parseImageName(text: string): ImageName {
  const [, name, digest] = IMAGE.exec(text) ?? [];
  if (name === undefined) {
    throw new GantryError({
      code: "USAGE",
      what: `"${text}" is no name of an image`,
      fix: "write it as a FROM line does: debian:bookworm-slim, or with @sha256: and its digest",
    });
  }
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  if (digest === undefined && (tag === undefined || tag === "latest" || tag === "edge")) {
    throw new GantryError({
      code: "USAGE",
      what: `"${text}" is another image every few weeks`,
      fix: "name a version or a digest: --base debian:bookworm-slim, --base NAME@sha256:DIGEST",
    });
  }
  return { name, digest };
}
