/**
 * Fetching a bundle from a mirror: one file, checked while it streams against the size and digest in the manifest.
 * What does not match is gone again before anyone could unpack it. Loaded on demand: most starts need no mirror.
 */
import { showAddress } from "../base/redact.ts";
import type { Environment } from "../base/environment.ts";
import { openAddress, type RegistryAddress, type WebAddress } from "./address.ts";
import { readAuthorization } from "./http/credentials.ts";
import { findRemoteBundle, showReference } from "./registry/artifact.ts";
import { openRegistry } from "./registry/registry.ts";
import { download, type DownloadOptions } from "./http/download.ts";
import { statusFailure } from "./failures.ts";
import {
  LIMITS,
  parseRetryAfter,
  readBody,
  retrying,
  send,
  type Limits,
  type Network,
} from "./http/request.ts";
import { openSink, type Expected } from "./http/sink.ts";

/** What is told while it runs; provision's Reporter is one. */
interface MirrorReporter {
  readonly progress: (progress: {
    readonly bytes: number;
    readonly total: number;
    readonly current: string;
  }) => void;
  readonly debug: (text: string) => void;
}

export interface SourceOptions {
  /** https://, http://, oci://host/repository:tag or @sha256:… */
  readonly address: string;
  /** The target's name: one tag of a registry may hold bundles for several. */
  readonly target: string;
  /** HTTP(S)_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, NETRC, HOME, DOCKER_CONFIG, GANTRY_TOKEN. */
  readonly environment: Environment;
  readonly reporter: MirrorReporter;
  readonly signal: AbortSignal;
  readonly limits?: Limits;
}

export interface FetchOptions extends SourceOptions {
  /** From the manifest: checked while streaming; more bytes than `size` end it at once. */
  readonly expected: Expected;
  /** Sees the first BUNDLE_HEAD_BYTES (or the whole file when shorter) before the rest is fetched; throws when it is the wrong release or target. */
  readonly checkHead: (start: Uint8Array) => void;
  /** Where it is written: a path in a private work directory, at which nothing is yet. */
  readonly into: string;
}

/**
 * Fetches the bundle. Either all of it is at `into`, and right, or nothing is.
 * @throws GantryError NETWORK_FAILED, BUNDLE_MISSING, PERMISSION_DENIED, DIGEST_MISMATCH, CONFIG_INVALID; what
 *   checkHead throws; the signal's reason
 */
export async function fetchBundle(options: FetchOptions): Promise<void> {
  const network = networkOf(options);
  const { expected, checkHead, into } = options;
  const origin = await openOrigin(options, network);
  const sink = openSink({ into, expected, checkHead, source: origin.source });
  try {
    const progress = (bytes: number) =>
      options.reporter.progress({ bytes, total: expected.size, current: origin.current });
    await download({ ...origin, sink, expected, network, progress });
    sink.finish();
  } catch (error) {
    sink.remove();
    throw error;
  } finally {
    sink.close();
  }
}

/** Where the bytes come from, whichever kind of address it is. */
type Origin = Pick<DownloadOptions, "get" | "claimed" | "offered" | "source"> & { readonly current: string };

async function openOrigin(options: SourceOptions, network: Network): Promise<Origin> {
  const address = openRemote(options.address);
  if (address.kind === "web") {
    const authorization = readAuthorization(address.url, address.login, options.environment);
    return {
      get: (headers) => send(address.url, { headers, authorization }, network),
      offered: authorization === undefined ? "nothing" : "credentials",
      source: showAddress(address.url),
      current: address.url.pathname.split("/").at(-1) ?? "",
    };
  }
  const registry = openRegistry(address, network);
  const { layer } = await retrying(network, () => findRemoteBundle(registry, options.target));
  const url = registry.locate(`blobs/${layer.digest}`);
  return {
    get: (headers) => registry.send(url, { headers }),
    claimed: { size: layer.size, sha256: layer.digest.slice("sha256:".length) },
    offered: "nothing",
    source: showReference(registry),
    current: `${address.repository}:${address.reference}`,
  };
}

/** No signature is longer: two comment lines and two of base64. */
const SIGNATURE_BYTES = 16 * 1024;

/**
 * The detached signature beside the bundle: its text, or undefined when there is none.
 * @throws GantryError as fetchBundle does
 */
export async function fetchSignature(options: SourceOptions): Promise<string | undefined> {
  const network = networkOf(options);
  const address = openRemote(options.address);
  if (address.kind === "registry") {
    const registry = openRegistry(address, network);
    return (await retrying(network, () => findRemoteBundle(registry, options.target))).signature;
  }
  const url = new URL(address.url);
  url.pathname += ".minisig";
  const authorization = readAuthorization(url, address.login, options.environment);
  return retrying(network, async () => {
    const response = await send(url, { authorization }, network);
    if (response.status === 404 || response.status === 410) {
      response.discard();
      return undefined;
    }
    if (response.status !== 200) {
      response.discard();
      const after = parseRetryAfter(response.headers.get("retry-after"), Date.now());
      const offered = authorization === undefined ? "nothing" : "credentials";
      throw statusFailure(response.status, response.attempted, offered, { after });
    }
    const text = (await readBody(response, SIGNATURE_BYTES))?.toString("utf8");
    // Some servers answer 200 with a page for whatever they do not have.
    return text?.startsWith("untrusted comment:") === true ? text : undefined;
  });
}

function networkOf({ environment, signal, reporter, limits = LIMITS }: SourceOptions): Network {
  return { environment, signal, debug: reporter.debug, limits };
}

function openRemote(text: string): WebAddress | RegistryAddress {
  const address = openAddress(text);
  if (address.kind !== "file") return address;
  throw new RangeError("only an address of a network can be fetched from");
}
