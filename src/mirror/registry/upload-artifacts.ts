/**
 * Pushes bundles to an OCI registry, one artifact for each target, under one tag. What the registry already has is not
 * sent again. The tag is moved last, so that a pull at the same time gets all of the old bundles or all of the new
 * ones.
 */
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { hideLogin } from "../../base/redact.ts";
import { GantryError } from "../../base/errors.ts";
import {
  BUNDLE_HEAD_BYTES,
  type BundleIdentity,
  parseBundleHead,
  readCompression,
  readFileEntry,
} from "../../release/index.ts";
import { readStart } from "../../base/files/index.ts";
import type { Environment } from "../../base/environment.ts";
import { openAddress, type RegistryAddress } from "../address.ts";
import {
  ANNOTATIONS,
  annotationsOf,
  ARTIFACT,
  digestOf,
  EMPTY,
  entriesOf,
  fetchServed,
  INDEX,
  isBundle,
  isIndex,
  LAYERS,
  MANIFEST,
  showReference,
  type Descriptor,
  type Served,
} from "./artifact.ts";
import { openRegistry, registryFailure, type Registry } from "./registry.ts";
import { LIMITS, retrying, type Limits, type Request } from "../http/request.ts";

interface PushedFile {
  /** The bundle. */
  readonly file: string;
  /** The text of its minisign signature. */
  readonly signature: string | undefined;
}

export interface PushOptions {
  /** Bundles of one release, one for each target. */
  readonly files: readonly PushedFile[];
  /** oci://host/repository:tag */
  readonly address: string;
  /** As for fetchBundle. */
  readonly environment: Environment;
  /** Called with a line for each thing that was done. */
  readonly say: (text: string) => void;
  readonly debug: (text: string) => void;
  readonly signal: AbortSignal;
  readonly limits?: Limits;
}

interface LocalBundle {
  readonly file: string;
  readonly identity: BundleIdentity;
  readonly layer: Descriptor;
  readonly signature: string | undefined;
}

/**
 * Pushes the bundles. Under the tag, other targets of the same release stay, and those of another release are removed.
 * @returns the digest that the tag now names
 * @throws GantryError CONFIG_INVALID (the address is no registry's tag, a file is no bundle, the tag holds something
 *   else), NETWORK_FAILED, PERMISSION_DENIED; the signal's reason
 */
export async function pushBundles(options: PushOptions): Promise<string> {
  const { environment, signal, debug, limits = LIMITS, say } = options;
  const address = parsePushAddress(options.address);
  const registry = openRegistry(address, { environment, signal, debug, limits });
  const bundles = options.files.map(readBundle);
  const tagged = await readTagged(registry);
  const added: Artifact[] = [];
  for (const bundle of bundles) {
    const sent = await ensureBlob(registry, bundle.layer, () => createReadStream(bundle.file));
    say(`${sent}  ${bundle.identity.target}  ${bundle.layer.digest}`);
    added.push(await pushManifest(registry, bundle));
  }
  const digest = await moveTag(registry, added, tagged);
  say(`${showReference(registry)} is ${digest}`);
  return digest;
}

/**
 * Parses the address to push to. Called before anything is built for the push.
 * @throws GantryError CONFIG_INVALID
 */
export function parsePushAddress(text: string): RegistryAddress {
  const address = openAddress(text);
  if (address.kind === "registry" && !address.reference.startsWith("sha256:")) return address;
  throw invalid("bundles are pushed to a registry, under a tag", hideLogin(text));
}

function readBundle({ file, signature }: PushedFile): LocalBundle {
  const head = readStart(file, BUNDLE_HEAD_BYTES);
  const identity = parseBundleHead(head);
  const compression = readCompression(head);
  if (identity === undefined || compression === undefined)
    throw invalid("that is no bundle of gantry's", file);
  const [size, sha256] = readFileEntry(file);
  return {
    file,
    identity,
    layer: {
      mediaType: LAYERS[compression],
      digest: `sha256:${sha256}`,
      size,
      annotations: { "org.opencontainers.image.title": basename(file) },
    },
    signature,
  };
}

/** The manifest or index that the tag names now; undefined when there is no such tag. */
async function readTagged(registry: Registry): Promise<Served | undefined> {
  try {
    return await retrying(registry.network, () => fetchServed(registry, registry.address.reference));
  } catch (error) {
    if (error instanceof GantryError && error.findings[0].code === "BUNDLE_MISSING") return undefined;
    throw error;
  }
}

/** Pushes a blob in one request, if the registry does not have it (specification, "Pushing a blob monolithically"). */
async function ensureBlob(
  registry: Registry,
  { digest, size }: Descriptor,
  read: () => AsyncIterable<Uint8Array>,
): Promise<"was there" | "pushed   "> {
  return retrying(registry.network, async () => {
    const head = await registry.send(registry.locate(`blobs/${digest}`), { method: "HEAD" });
    head.discard();
    if (head.status === 200) return "was there";
    const begun = await registry.send(registry.locate("blobs/uploads/"), {
      method: "POST",
      headers: { "content-length": "0" },
    });
    const location = begun.headers.get("location");
    if (begun.status !== 202 || location === null) throw registryFailure(begun);
    begun.discard();
    const url = new URL(location, begun.attempted.url);
    url.searchParams.set("digest", digest);
    const headers = { "content-type": "application/octet-stream", "content-length": String(size) };
    await expectCreated(registry, url, { method: "PUT", headers, body: read });
    return "pushed   ";
  });
}

async function expectCreated(registry: Registry, url: URL, request: Request): Promise<void> {
  const response = await registry.send(url, request);
  if (response.status !== 201) throw registryFailure(response);
  response.discard();
}

/** An artifact that is in the registry under its digest. */
interface Artifact {
  readonly entry: Descriptor;
  readonly manifest: Buffer;
}

async function pushManifest(registry: Registry, bundle: LocalBundle): Promise<Artifact> {
  const { name, version, target } = bundle.identity;
  const empty = Buffer.from("{}");
  const config: Descriptor = { mediaType: EMPTY, digest: digestOf(empty), size: empty.length };
  await ensureBlob(registry, config, () => chunksOf(empty));
  const about = { [ANNOTATIONS.name]: name, [ANNOTATIONS.version]: version, [ANNOTATIONS.target]: target };
  const signed = bundle.signature === undefined ? {} : { [ANNOTATIONS.signature]: bundle.signature };
  const bytes = json({
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: ARTIFACT,
    config,
    layers: [bundle.layer],
    annotations: { ...about, ...signed },
  });
  const digest = digestOf(bytes);
  await putManifest(registry, digest, MANIFEST, bytes);
  const described = { mediaType: MANIFEST, digest, size: bytes.length, artifactType: ARTIFACT };
  return { entry: entryOf({ ...described, annotations: about }, target), manifest: bytes };
}

/** Adds the platform in the OCI image specification's names, which are Go's. The C library is only in an annotation. */
function entryOf(descriptor: Descriptor, target: string): Descriptor {
  const [os = "", arch = ""] = target.split("-");
  return { ...descriptor, platform: { os, architecture: arch === "x64" ? "amd64" : arch } };
}

async function putManifest(registry: Registry, reference: string, mediaType: string, bytes: Buffer) {
  const headers = { "content-type": mediaType, "content-length": String(bytes.length) };
  await retrying(registry.network, () =>
    expectCreated(registry, registry.locate(`manifests/${reference}`), {
      method: "PUT",
      headers,
      body: () => chunksOf(bytes),
    }),
  );
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

function key({ annotations }: Descriptor, name: keyof typeof ANNOTATIONS): string | undefined {
  return annotations?.[ANNOTATIONS[name]];
}

/** Makes the tag name one artifact, or an index of several. */
async function moveTag(
  registry: Registry,
  pushed: readonly Artifact[],
  tagged: Served | undefined,
): Promise<string> {
  const added = pushed.map(({ entry }) => entry);
  const [first] = pushed;
  if (first === undefined) throw invalid("there is no bundle to push", showReference(registry));
  const targets = new Set(added.map((one) => key(one, "target")));
  const kept = entriesTagged(registry, tagged).filter(
    (one) =>
      key(one, "name") === key(first.entry, "name") &&
      key(one, "version") === key(first.entry, "version") &&
      !targets.has(key(one, "target")),
  );
  const entries = [...kept, ...added].toSorted((a, b) =>
    (key(a, "target") ?? "") < (key(b, "target") ?? "") ? -1 : 1,
  );
  const { reference } = registry.address;
  if (entries.length === 1) {
    await putManifest(registry, reference, MANIFEST, first.manifest);
    return first.entry.digest;
  }
  const bytes = json({ schemaVersion: 2, mediaType: INDEX, manifests: entries });
  await putManifest(registry, reference, INDEX, bytes);
  return digestOf(bytes);
}

/** The artifacts that a tag names. */
function entriesTagged(registry: Registry, tagged: Served | undefined): readonly Descriptor[] {
  if (tagged === undefined) return [];
  if (isIndex(tagged) && entriesOf(tagged).every(({ artifactType }) => artifactType === ARTIFACT)) {
    return entriesOf(tagged);
  }
  if (isIndex(tagged) || !isBundle(tagged)) {
    throw invalid("the tag holds something that is no bundle of gantry's", showReference(registry));
  }
  const { mediaType, digest, size } = tagged;
  const annotations = { ...annotationsOf(tagged) };
  delete annotations[ANNOTATIONS.signature];
  const target = annotations[ANNOTATIONS.target] ?? "";
  return [entryOf({ mediaType, digest, size, artifactType: ARTIFACT, annotations }, target)];
}

function invalid(what: string, where: string): GantryError {
  const fix = "name the bundle's file, and an address such as oci://HOST/REPOSITORY:TAG for bundles alone";
  return new GantryError({ code: "CONFIG_INVALID", what, where, fix });
}
