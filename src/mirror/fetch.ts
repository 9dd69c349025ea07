/**
 * Fetches a bundle from a mirror: one file, compared with the manifest's size and digest while it streams. A file that
 * does not match is removed. This file is loaded on demand, because most starts need no mirror.
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

/** Receives progress; the Reporter of src/base fits. */
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
  /** The target's name, because one tag of a registry may have bundles for several targets. */
  readonly target: string;
  /**
   * These are read: HTTP(S)_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, NETRC, HOME, DOCKER_CONFIG,
   * GANTRY_TOKEN.
   */
  readonly environment: Environment;
  readonly reporter: MirrorReporter;
  readonly signal: AbortSignal;
  readonly limits?: Limits;
}

export interface FetchOptions extends SourceOptions {
  /** The manifest's size and digest. More bytes than `size` end the download at once. */
  readonly expected: Expected;
  /**
   * Called with the first BUNDLE_HEAD_BYTES, or the whole of a shorter file, before the rest is fetched. It throws for
   * another release's or target's bundle.
   */
  readonly checkHead: (start: Uint8Array) => void;
  /** The file to write: a path in a private work directory that does not exist yet. */
  readonly into: string;
}

/**
 * Fetches the bundle. Afterwards `into` is the whole, right file; after an error there is no file.
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

/** Where the bytes come from: a web server or a registry. */
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

/** The largest signature that is read, in bytes. A signature has two comments and two lines of base64. */
const SIGNATURE_BYTES = 16 * 1024;

/**
 * Fetches the text of the detached signature beside the bundle; undefined when there is none.
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
    // Some servers answer 200 with an HTML page for missing files.
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
