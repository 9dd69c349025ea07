/**
 * Bundles in a registry: an OCI artifact for each target (image specification 1.1, "Guidelines for Artifact Usage"), and
 * an image index when one tag has several. Everything is named by its digest, which is checked when it is read.
 */
import { hideLogin, type RedactedUrl, showAddress } from "../../base/redact.ts";
import { GantryError } from "../../base/errors.ts";
import { sha256 } from "../../release/index.ts";
import { parseJson, recordOf, textOf } from "./docker-config.ts";
import { passingError } from "../failures.ts";
import { registryFailure, type Registry } from "./registry.ts";
import { readBody, type HttpResponse } from "../http/request.ts";

export const ARTIFACT = "application/vnd.gantry.bundle.v1";
export const LAYERS = {
  zst: "application/vnd.gantry.bundle.layer.v1.tar+zstd",
  gz: "application/vnd.gantry.bundle.layer.v1.tar+gzip",
} as const;
export const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const INDEX = "application/vnd.oci.image.index.v1+json";
export const EMPTY = "application/vnd.oci.empty.v1+json";
/** Annotations for name, version and target of a bundle, and for the whole text of its minisign signature. */
export const ANNOTATIONS = {
  name: "vnd.gantry.name",
  version: "vnd.gantry.version",
  target: "vnd.gantry.target",
  signature: "vnd.gantry.signature",
} as const;

export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:` and 64 hex digits. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Readonly<Record<string, string>>;
}

/** A manifest or an index as it was served. */
export interface Served {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${sha256(bytes)}`;
}

/** The largest manifest, in bytes (distribution specification 1.1, "Pushing Manifests"). */
const MANIFEST_BYTES = 4 << 20;

/**
 * Reads a manifest or an index.
 * @param reference a tag, or the digest that it must have
 * @throws GantryError DIGEST_MISMATCH, BUNDLE_MISSING, and what requests throw
 */
export async function fetchServed(registry: Registry, reference: string): Promise<Served> {
  const url = registry.locate(`manifests/${reference}`);
  const response = await registry.send(url, { headers: { accept: `${MANIFEST}, ${INDEX}` } });
  if (response.status !== 200) throw registryFailure(response);
  const served = await readServed(response, url, reference);
  if (served === undefined) throw strange(registry, "its manifest is no JSON");
  return served;
}

/**
 * Reads the manifest or index in a response, and checks its digest.
 * @param url the requested address, before any redirect
 * @returns undefined when the body is neither
 * @throws GantryError DIGEST_MISMATCH, and what requests throw
 */
export async function readServed(
  response: HttpResponse,
  url: URL,
  reference: string,
): Promise<Served | undefined> {
  const bytes = await readBody(response, MANIFEST_BYTES);
  const body = bytes === undefined ? undefined : parseJson(bytes.toString("utf8"));
  if (bytes === undefined || body === undefined) return undefined;
  checkLength(response, bytes.length);
  const digest = digestOf(bytes);
  const wanted = reference.startsWith("sha256:") ? reference : response.headers.get("docker-content-digest");
  if (wanted !== null && wanted.startsWith("sha256:") && wanted !== digest) {
    throw new GantryError({
      code: "DIGEST_MISMATCH",
      what: "the registry serves a manifest that does not have the digest it is named by",
      where: showAddress(url),
      detail: [`expected ${wanted}`, `found    ${digest}`],
      fix: "push it again, or tell the operator of the registry",
    });
  }
  const mediaType =
    textOf(body["mediaType"]) ?? response.headers.get("content-type")?.split(";")[0]?.trim() ?? MANIFEST;
  return { mediaType, digest, size: bytes.length, body };
}

/** Refuses a body that is shorter than its content-length: Bun reports no error for a lost connection. */
function checkLength({ headers, attempted }: HttpResponse, bytes: number): void {
  const length = headers.get("content-length");
  if (length === null || Number(length) === bytes) return;
  throw passingError({
    code: "NETWORK_FAILED",
    what: `${attempted.url.host} closed the connection before its answer was whole`,
    where: showAddress(attempted.url),
    fix: "check the network, then start again",
  });
}

export interface RemoteBundle {
  readonly layer: Descriptor;
  readonly signature: string | undefined;
}

/**
 * Finds a target's bundle at the registry's address: the manifest or index of the tag, and then everything by digests.
 * @throws GantryError BUNDLE_MISSING, DIGEST_MISMATCH, and what requests throw
 */
export async function findRemoteBundle(registry: Registry, target: string): Promise<RemoteBundle> {
  let served = await fetchServed(registry, registry.address.reference);
  if (isIndex(served)) {
    const entries = entriesOf(served);
    const entry = entries.find(({ annotations }) => annotations?.[ANNOTATIONS.target] === target);
    if (entry === undefined) throw noTarget(registry, target, entries);
    served = await fetchServed(registry, entry.digest);
  }
  if (!isBundle(served)) throw strange(registry, `it is ${served.mediaType}`);
  const layers = descriptorsOf(served.body["layers"]);
  const layer = layers.find(({ mediaType }) => Object.values<string>(LAYERS).includes(mediaType));
  if (layer === undefined) throw strange(registry, "its manifest names no bundle");
  return { layer, signature: annotationsOf(served)[ANNOTATIONS.signature] };
}

export function isIndex({ mediaType }: Served): boolean {
  return mediaType === INDEX;
}

/** Registries older than specification 1.1 may drop artifactType; then the layer's type identifies a bundle. */
export function isBundle({ body }: Served): boolean {
  return body["artifactType"] === ARTIFACT || descriptorsOf(body["layers"]).some(isLayer);
}

function isLayer({ mediaType }: Descriptor): boolean {
  return Object.values<string>(LAYERS).includes(mediaType);
}

export function entriesOf({ body }: Served): readonly Descriptor[] {
  return descriptorsOf(body["manifests"]);
}

export function annotationsOf({ body }: Served): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(recordOf(body["annotations"])).flatMap(([key, value]) =>
      typeof value === "string" ? [[key, value]] : [],
    ),
  );
}

/** The descriptors of a list that are well formed. */
function descriptorsOf(value: unknown): readonly Descriptor[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    const fields = recordOf(one);
    const { mediaType, digest, size, annotations } = fields;
    if (typeof mediaType !== "string" || typeof digest !== "string" || typeof size !== "number") return [];
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) return [];
    const said = annotationsOf({ mediaType, digest, size, body: { annotations } });
    const platform = recordOf(fields["platform"]) as Readonly<Record<string, string>>;
    const artifactType = textOf(fields["artifactType"]);
    return [
      {
        mediaType,
        digest,
        size,
        ...(artifactType === undefined ? {} : { artifactType }),
        annotations: said,
        ...(Object.keys(platform).length === 0 ? {} : { platform }),
      },
    ];
  });
}

/** The registry's address as people write it: `oci://host/repository:tag`. */
export function showReference({ address }: Registry): RedactedUrl {
  const joint = address.reference.startsWith("sha256:") ? "@" : ":";
  return hideLogin(`oci://${address.origin.host}/${address.repository}${joint}${address.reference}`);
}

function strange(registry: Registry, why: string): GantryError {
  return new GantryError({
    code: "BUNDLE_MISSING",
    what: `what the registry has there is no bundle of gantry's: ${why}`,
    where: showReference(registry),
    fix: "check the address, or push the bundle with gantry bundle RELEASE --push oci://HOST/REPOSITORY:TAG",
  });
}

function noTarget(registry: Registry, target: string, entries: readonly Descriptor[]): GantryError {
  const there = entries.flatMap(({ annotations }) => annotations?.[ANNOTATIONS.target] ?? []);
  return new GantryError({
    code: "BUNDLE_MISSING",
    what: `the registry has no bundle for ${target} there, only for ${there.join(", ") || "nothing"}`,
    where: showReference(registry),
    fix: `push it: gantry bundle RELEASE --target ${target} --push ${showReference(registry)}`,
  });
}
