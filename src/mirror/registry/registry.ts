/**
 * Sends requests to an OCI registry (distribution specification 1.1) with the login that it asks for: none, Basic, or a
 * bearer token from the service that its challenge names (token authentication of Docker's registry).
 */
import { showAddress } from "../../base/redact.ts";
import { GantryError, type Finding } from "../../base/errors.ts";
import { type Login, type RegistryAddress } from "../address.ts";
import { basic } from "../http/credentials.ts";
import { parseJson, readDockerLogin, textOf } from "./docker-config.ts";
import { statusFailure } from "../failures.ts";
import { readNetrc } from "../http/netrc.ts";
import { loginForRealm, withheldFix } from "./realm.ts";
import {
  parseRetryAfter,
  readBody,
  send,
  type HttpResponse,
  type Network,
  type Request,
} from "../http/request.ts";

export interface Registry {
  readonly address: RegistryAddress;
  readonly network: Network;
  /** The address of something in the repository: `manifests/…`, `blobs/…`. */
  readonly locate: (path: string) => URL;
  /** Sends a request, with a login once one is asked for. Throws where the login is refused (401, 403). */
  readonly send: (url: URL, request: Request) => Promise<HttpResponse>;
}

/** The user's login or token for the registry, if there is one. */
type Credentials = { readonly login?: Login; readonly token?: string } | undefined;

/** The largest body of a token response that is read, in bytes. */
const JSON_BYTES = 4 << 20;

/**
 * Opens a registry; sends nothing yet.
 * @param loginFix the fix for a missing or refused login, in place of the one for bundles
 */
export function openRegistry(address: RegistryAddress, network: Network, loginFix?: string): Registry {
  const { origin, repository } = address;
  const credentials = readCredentials(address, network);
  let authorization: string | undefined;
  const trySend = (url: URL, request: Request) =>
    send(
      url,
      { ...request, authorization: url.origin === origin.origin ? authorization : undefined },
      network,
    );
  return {
    address,
    network,
    locate: (path) => new URL(`/v2/${repository}/${path}`, origin.href),
    send: async (url, request) => {
      let response = await trySend(url, request);
      // Only for the registry's own response: it may have redirected to another host for blobs.
      if (response.status === 401 && response.attempted.url.origin === origin.origin) {
        response.discard();
        const challenge = parseChallenge(response.headers.get("www-authenticate"));
        authorization = await authorize(challenge, credentials, address, network, loginFix);
        if (authorization !== undefined) response = await trySend(url, request);
      }
      if (response.status !== 401 && response.status !== 403) return response;
      throw refused(response, address, network, credentials, loginFix);
    },
  };
}

/** The failure for an unexpected response, whose body it discards. */
export function registryFailure(response: HttpResponse): GantryError {
  response.discard();
  const after = parseRetryAfter(response.headers.get("retry-after"), Date.now());
  return statusFailure(response.status, response.attempted, "nothing", { after });
}

function readCredentials(address: RegistryAddress, { environment }: Network): Credentials {
  const { origin, login } = address;
  if (login !== undefined) return { login };
  const token = environment["GANTRY_TOKEN"] ?? "";
  if (token !== "") return { token };
  const docker = readDockerLogin(loginHost(address), environment);
  if (docker?.kind === "login") return { login: docker.login };
  if (docker?.kind === "token") return { token: docker.token };
  const entry = readNetrc(origin.hostname, environment);
  return entry === undefined ? undefined : { login: entry };
}

function loginHost({ origin, loginHost: named }: RegistryAddress): string {
  return named ?? origin.host;
}

/** The failure for a refused login. It names Docker's credential helper if the login is probably there. */
function refused(
  response: HttpResponse,
  address: RegistryAddress,
  { environment }: Network,
  credentials: Credentials,
  loginFix: string | undefined,
): GantryError {
  response.discard();
  const { origin } = address;
  const docker = credentials === undefined ? readDockerLogin(loginHost(address), environment) : undefined;
  if (docker?.kind === "refused") {
    const fix =
      loginFix ??
      `set GANTRY_TOKEN, or put user and password into the address: oci://USER:PASSWORD@${origin.host}/…`;
    return new GantryError({ code: "PERMISSION_DENIED", what: docker.what, where: docker.where, fix });
  }
  return statusFailure(
    response.status,
    response.attempted,
    credentials === undefined ? "nothing" : "credentials",
    { loginFix },
  );
}

interface Challenge {
  readonly scheme: "basic" | "bearer";
  readonly realm: string;
  readonly service: string | undefined;
  readonly scope: string | undefined;
}

/** Parses a WWW-Authenticate header (RFC 9110, 11.6.1): its first Basic or Bearer challenge. */
export function parseChallenge(header: string | null): Challenge | undefined {
  const found = /\b(basic|bearer)\b\s*(.*)/is.exec(header ?? "");
  if (found === null) return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = "", quoted, bare] of (found[2] ?? "").matchAll(/([a-z]+)=(?:"([^"]*)"|([^\s,]+))/gi)) {
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), quoted ?? bare ?? "");
  }
  return {
    scheme: found[1]?.toLowerCase() === "basic" ? "basic" : "bearer",
    realm: parameters.get("realm") ?? "",
    service: parameters.get("service"),
    scope: parameters.get("scope"),
  };
}

async function authorize(
  challenge: Challenge | undefined,
  credentials: Credentials,
  address: RegistryAddress,
  network: Network,
  loginFix: string | undefined,
): Promise<string | undefined> {
  if (credentials?.token !== undefined) return `Bearer ${credentials.token}`;
  const login = credentials?.login;
  if (challenge?.scheme !== "bearer") return login === undefined ? undefined : basic(login);
  const url = realmOf(challenge, address);
  const sent = loginForRealm(url, login, address, network.environment);
  const response = await send(url, { authorization: sent === undefined ? undefined : basic(sent) }, network);
  if (response.status !== 200) {
    response.discard();
    const withheld = sent === undefined && login !== undefined;
    if (withheld && (response.status === 401 || response.status === 403))
      throw new GantryError(withheldFrom(url, address));
    const offered = sent === undefined ? "nothing" : "credentials";
    throw statusFailure(response.status, response.attempted, offered, { loginFix });
  }
  const body = parseJson((await readBody(response, JSON_BYTES))?.toString("utf8") ?? "");
  const token = textOf(body?.["token"]) ?? textOf(body?.["access_token"]);
  return token === undefined ? undefined : `Bearer ${token}`;
}

function withheldFrom(realm: URL, { origin }: RegistryAddress): Finding {
  return {
    code: "PERMISSION_DENIED",
    what: `${origin.host} sends its users to ${realm.host} for a token: no password goes to another host that is not named for it`,
    where: showAddress(realm),
    fix: withheldFix(realm),
  };
}

/** The token service's address with its parameters. Plain http is refused when the registry itself uses TLS. */
function realmOf(challenge: Challenge, { origin }: RegistryAddress): URL {
  const realm = URL.canParse(challenge.realm) ? new URL(challenge.realm) : undefined;
  if (realm === undefined || !(realm.protocol === "https:" || realm.protocol === origin.protocol)) {
    throw new GantryError({
      code: "NETWORK_FAILED",
      what: `${origin.host} names no safe place to get a token from`,
      where: showAddress(origin),
      fix: "tell the operator of the registry",
    });
  }
  realm.username = "";
  realm.password = "";
  if (challenge.service !== undefined) realm.searchParams.set("service", challenge.service);
  for (const scope of challenge.scope?.split(" ") ?? []) realm.searchParams.append("scope", scope);
  return realm;
}
