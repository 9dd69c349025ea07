/**
 * Parses the address of a bundle: a file, a web server or an OCI registry. Other schemes (ftp:, s3:) are refused by name.
 * Credentials are removed from the URL here, so that no address that is shown or logged has any. Pure.
 */
import { fileURLToPath } from "node:url";
import { hideLogin } from "../base/redact.ts";
import { GantryError } from "../base/errors.ts";

/** A user and a password from an address, a netrc file or Docker's configuration. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

interface FileAddress {
  readonly kind: "file";
  readonly path: string;
}

export interface WebAddress {
  readonly kind: "web";
  /** Without user and password. */
  readonly url: URL;
  readonly login: Login | undefined;
}

export interface RegistryAddress {
  readonly kind: "registry";
  /** The registry's address, without the `/v2/` of its API. */
  readonly origin: URL;
  readonly repository: string;
  /** A tag, or `sha256:` and 64 hex digits. */
  readonly reference: string;
  readonly login: Login | undefined;
  /** The registry's name in Docker's configuration, if that is not the origin's host. */
  readonly loginHost?: string;
}

export type Address = FileAddress | WebAddress | RegistryAddress;

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
/** Grammar of the OCI distribution specification 1.1, "Pulling manifests". */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * Parses an address.
 * @param address a path, file:, https:, http:, oci: or oci+http: (a registry that does not speak TLS)
 * @throws GantryError CONFIG_INVALID
 */
export function openAddress(address: string): Address {
  const scheme = SCHEME.exec(address)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      return { kind: "file", path: address };
    case "file":
      return { kind: "file", path: parseFileAddress(address) };
    case "http":
    case "https":
      return { kind: "web", ...parseUrl(address, address) };
    case "oci":
    case "oci+http":
      return parseRegistryAddress(address, scheme);
    default:
      throw invalid(address, `bundles cannot be taken from ${scheme}: addresses`);
  }
}

/** Whether a host name is this machine's own. Data for it crosses no network. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(hostname);
}

function parseFileAddress(address: string): string {
  try {
    return fileURLToPath(address);
  } catch {
    throw invalid(address, "the file: address names no file on this machine");
  }
}

function parseUrl(text: string, address: string): { readonly url: URL; readonly login: Login | undefined } {
  // The URL parser skips an empty host and takes the start of the path for it.
  if (!/^[^:]+:\/\/[^/]/.test(text) || !URL.canParse(text))
    throw invalid(address, "the address of the bundle is malformed");
  const url = new URL(text);
  const login =
    url.username === "" && url.password === ""
      ? undefined
      : { user: decode(url.username), password: decode(url.password) };
  url.username = "";
  url.password = "";
  url.hash = "";
  return { url, login };
}

/** Decodes percent-escapes; a text with an invalid one is returned as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parseRegistryAddress(address: string, scheme: "oci" | "oci+http"): RegistryAddress {
  const { hostname } = parseUrl(address.replace(SCHEME, "https://"), address).url;
  const plain = scheme === "oci+http" || isLoopback(hostname);
  const { url, login } = parseUrl(address.replace(SCHEME, plain ? "http://" : "https://"), address);
  // From the text, because the URL parser resolves dots and escapes.
  const rest = address.replace(SCHEME, "").replace(/^[^/]*\/?/, "");
  const at = rest.indexOf("@");
  const colon = rest.lastIndexOf(":");
  const cut = at === -1 ? colon : at;
  const repository = rest.slice(0, Math.max(cut, 0));
  const reference = rest.slice(cut + 1);
  if (!REPOSITORY.test(repository) || !(at === -1 ? TAG : DIGEST).test(reference)) {
    throw invalid(address, "the address names no repository with a tag or a digest");
  }
  return { kind: "registry", origin: new URL(url.origin), repository, reference, login };
}

function invalid(address: string, what: string): GantryError {
  return new GantryError({
    code: "CONFIG_INVALID",
    what,
    where: hideLogin(address),
    fix: "name a file, an https:// address or oci://HOST/REPOSITORY:TAG",
  });
}
