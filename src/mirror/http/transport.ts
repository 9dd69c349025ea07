/**
 * Sends one request over the network, and returns it as fetch does. Under Bun it uses Bun's fetch, which supports proxies
 * and CA certificates; Bun's node:http ignores createConnection before 1.4. Under Node it uses node:http and node:https,
 * because Node's fetch supports neither without a copy of undici. Bodies are not decompressed.
 */
import { SELF } from "../../base/process/index.ts";
import { request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestHttps, type RequestOptions as SecureRequestOptions } from "node:https";
import { isIP } from "node:net";
import { Readable } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Duplex } from "node:stream";
import { ProxyRefusal } from "../failures.ts";

export interface Route {
  /** With its user and password. */
  readonly proxy: URL | undefined;
  /** PEM certificates; the runtime's own when left out. */
  readonly caCertificates: readonly string[] | undefined;
}

export interface Outgoing {
  readonly method: string;
  readonly headers: Headers;
  readonly signal: AbortSignal;
  readonly body?: AsyncIterable<Uint8Array> | undefined;
}

/** Sends one request; the caller follows redirects. */
export function transmit(url: URL, outgoing: Outgoing, route: Route): Promise<Response> {
  return SELF.versions.bun === undefined
    ? transmitByNode(url, outgoing, route)
    : transmitByBun(url, outgoing, route);
}

/** A Node stream as a web stream. It is cast, because the types of Node and Bun differ. */
function toWeb(stream: Readable): NonNullable<RequestInit["body"]> {
  return Readable.toWeb(stream) as unknown as NonNullable<RequestInit["body"]>;
}

/** What Bun adds to fetch (bun.sh/docs, "Fetch"). */
interface BunInit extends RequestInit {
  readonly proxy?: string;
  readonly tls?: { readonly ca: readonly string[] };
  readonly decompress: false;
  readonly timeout: false;
}

function transmitByBun(url: URL, outgoing: Outgoing, { proxy, caCertificates }: Route): Promise<Response> {
  const init: BunInit = {
    ...outgoing,
    ...(outgoing.body === undefined ? {} : { body: toWeb(Readable.from(outgoing.body)) }),
    redirect: "manual",
    decompress: false,
    timeout: false,
    // On a reused connection that breaks within a body, Bun 1.2.16 silently sends the request again.
    keepalive: false,
    ...(proxy === undefined ? {} : { proxy: proxy.href }),
    ...(caCertificates === undefined ? {} : { tls: { ca: caCertificates } }),
  };
  return fetch(url, init);
}

async function transmitByNode(url: URL, outgoing: Outgoing, route: Route): Promise<Response> {
  const options = await planRequest(url, outgoing, route);
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const secure = (options.protocol ?? url.protocol) === "https:";
    const request = (secure ? requestHttps : requestHttp)(options, resolve);
    request.once("error", reject);
    if (outgoing.body === undefined) request.end();
    else Readable.from(outgoing.body).once("error", reject).pipe(request);
  });
  const headers = new Headers();
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at] ?? "", message.rawHeaders[at + 1] ?? "");
  }
  const status = message.statusCode ?? 0;
  const empty = outgoing.method === "HEAD" || status === 204 || status === 205 || status === 304;
  if (empty) message.resume();
  const body = empty ? null : toWeb(message);
  return new Response(body, { status, headers });
}

async function planRequest(url: URL, outgoing: Outgoing, route: Route): Promise<RequestOptions> {
  const { proxy, caCertificates } = route;
  const headers: Record<string, string> = { host: url.host, ...Object.fromEntries(outgoing.headers) };
  const ca = caCertificates === undefined ? {} : { ca: [...caCertificates] };
  const common = { method: outgoing.method, headers, signal: outgoing.signal, agent: false as const, ...ca };
  if (proxy === undefined) {
    return { ...common, ...endpoint(url), path: `${url.pathname}${url.search}` };
  }
  if (url.protocol === "http:") {
    const said = { ...headers, ...proxyLogin(proxy) };
    return {
      ...common,
      headers: said,
      ...endpoint(proxy),
      path: `${url.origin}${url.pathname}${url.search}`,
    };
  }
  const socket = await openTunnel(url, proxy, outgoing.signal, ca);
  // Any agent, also the new one for `agent: false`, would open its own connection.
  const tunnelled = { ...common, agent: undefined, createConnection: () => socket };
  return { ...tunnelled, ...endpoint(url), path: `${url.pathname}${url.search}` };
}

function endpoint(url: URL): SecureRequestOptions {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const servername = isIP(host) === 0 && url.protocol === "https:" ? { servername: host } : {};
  return { protocol: url.protocol, host, port: portOf(url), ...servername };
}

function portOf(url: URL): string {
  return url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
}

function proxyLogin(proxy: URL): Record<string, string> {
  if (proxy.username === "" && proxy.password === "") return {};
  const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` };
}

/**
 * Opens a tunnel through the proxy with CONNECT (RFC 9110, 9.3.6), then a TLS connection with the server through it.
 */
function openTunnel(
  url: URL,
  proxy: URL,
  signal: AbortSignal,
  ca: { readonly ca?: string[] },
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const authority = `${url.hostname}:${portOf(url)}`;
    const request = (proxy.protocol === "https:" ? requestHttps : requestHttp)({
      ...endpoint(proxy),
      ...ca,
      method: "CONNECT",
      path: authority,
      headers: { host: authority, ...proxyLogin(proxy) },
      agent: false,
      signal,
    });
    request.once("error", reject);
    request.once("connect", (response: IncomingMessage, socket: Duplex) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        reject(new ProxyRefusal(response.statusCode ?? 0));
        return;
      }
      const { host, servername } = endpoint(url);
      const named = { host: host ?? "", ...(servername === undefined ? {} : { servername }) };
      const secure = connectTls({ socket, ...named, ...ca }, () => resolve(secure));
      secure.once("error", reject);
      signal.addEventListener("abort", () => secure.destroy(), { once: true });
    });
    request.end();
  });
}
