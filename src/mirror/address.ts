/**
 * Where a bundle may be: a file, a web server or an OCI registry. Pure. Anything else (ftp:, s3:) is refused by name.
 * Credentials are taken out of an address here, once, so that no address that is shown or logged can hold any.
 */
import { fileURLToPath } from "node:url";
import { hideLogin } from "../base/redact.ts";
import { GantryError } from "../base/errors.ts";

/** A user and a password, as an address, a netrc or Docker's configuration gives them. */
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
  /** Where the registry's API is, up to and without `/v2/`. */
  readonly origin: URL;
  readonly repository: string;
  /** A tag, or `sha256:` and 64 hex digits. */
  readonly reference: string;
  readonly login: Login | undefined;
  /** What Docker's configuration calls the registry, where that is not the origin's host. */
  readonly loginHost?: string;
}

export type Address = FileAddress | WebAddress | RegistryAddress;

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
/** Grammar of the OCI distribution specification 1.1, "Pulling manifests". */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * Tells files, web addresses and registries apart.
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

/** Is it this machine? What goes there does not cross a network. */
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
  // A parser of URLs would pass over an empty host and take the path's start for one.
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

/** What is no valid escape stands for itself. */
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
  // As it was written: an URL would resolve dots and escapes.
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
