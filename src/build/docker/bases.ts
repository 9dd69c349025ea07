/**
 * The base images that gantry proposes: what each offers to a release, and about how much it weighs. Names only, with a
 * version; a digest is not in the table, because it is known only to whoever asked a registry. Pure.
 */
import { GantryError } from "../../errors.ts";
import type { Manifest } from "../../release/manifest.ts";
import { parseTarget } from "../../release/targets.ts";

export interface Base {
  /** As a FROM line takes it. */
  readonly image: string;
  /** Millions of compressed bytes that are fetched for it, about. */
  readonly megabytes: number;
}

/** Debian's slim images by the glibc they have, the oldest that suffices first. All have libstdc++ and libgcc. */
const DEBIAN = [
  { image: "debian:bookworm-slim", glibc: "2.36", megabytes: 28 },
  { image: "debian:trixie-slim", glibc: "2.41", megabytes: 30 },
] as const;

/** The same Debians without a shell; `cc` is the one with libstdc++ and libgcc. */
const DISTROLESS = [
  { image: "gcr.io/distroless/cc-debian12:nonroot", glibc: "2.36", megabytes: 10 },
  { image: "gcr.io/distroless/cc-debian13:nonroot", glibc: "2.41", megabytes: 11 },
] as const;

const ALPINE: Base = { image: "alpine:3.22", megabytes: 4 };

/** NODE_MODULE_VERSION of the `nodejs` package of each stable Alpine; its other Node packages may go at any time. */
const ALPINE_OF_ABI: Readonly<Record<number, string>> = { 115: "3.20", 127: "3.22", 137: "3.23" };

/** The base with a shell that a release runs on. */
export function shellBase(manifest: Manifest): Base {
  const { runtime } = manifest;
  const musl = parseTarget(manifest.target).libc === "musl";
  if (runtime.kind === "node" && runtime.system) {
    const major = runtime.version.split(".")[0] ?? "";
    return musl
      ? { image: `node:${major}-alpine`, megabytes: 55 }
      : { image: `node:${major}-bookworm-slim`, megabytes: 75 };
  }
  return musl ? ALPINE : oldestWith(DEBIAN, manifest);
}

/** @throws GantryError USAGE for a C library that no such base is known for */
export function shellLessBase(manifest: Manifest): Base {
  if (parseTarget(manifest.target).libc === "gnu") return oldestWith(DISTROLESS, manifest);
  throw new GantryError({
    code: "USAGE",
    what: `no base without a shell is known for ${manifest.target}`,
    fix: "name one with --base, or use the release for linux-x64-gnu",
  });
}

/** @throws GantryError USAGE for a Node that no stable Alpine has */
export function alpineWithNode(abi: number, major: string): Base & { readonly version: string } {
  const version = ALPINE_OF_ABI[abi];
  if (version !== undefined) return { image: `alpine:${version}`, version, megabytes: 4 };
  throw new GantryError({
    code: "USAGE",
    what: `no stable Alpine is known to have Node ${major}, and edge changes under an image`,
    fix: "name one with --base alpine:VERSION, or build the release for a Node of 20, 22 or 24",
  });
}

function oldestWith(bases: readonly (Base & { readonly glibc: string })[], manifest: Manifest): Base {
  const needed = manifest.requires?.glibc?.value ?? "2.0";
  const found = bases.find(({ glibc }) => minor(glibc) >= minor(needed)) ?? bases.at(-1);
  if (found === undefined) throw new GantryError({ code: "INTERNAL", what: "the table of bases is empty" });
  return { image: found.image, megabytes: found.megabytes };
}

/** glibc's versions have been 2.N since 1997. */
function minor(version: string): number {
  return Number(version.split(".")[1] ?? 0);
}

/** `NAME[:TAG][@sha256:DIGEST]` of a FROM line. */
export interface ImageName {
  readonly name: string;
  readonly digest: string | undefined;
}

/** The reference of the distribution project, with the digest that images have today. */
const IMAGE =
  /^([a-z0-9]+(?:[._:/-]+[a-zA-Z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?)(?:@(sha256:[0-9a-f]{64}))?$/;

/**
 * @throws GantryError USAGE for what is no image's name, and for one that says neither tag nor digest or `latest`
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
