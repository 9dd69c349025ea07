/**
 * Asks a running app over HTTP whether it is well. One request with a time limit for the whole response: a server that
 * accepts and stays silent, or sends byte by byte, counts as unwell.
 */
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { hideLogins } from "../../base/redact.ts";

export interface HealthResult {
  readonly healthy: boolean;
  /** What was asked and what the result was, as one sentence. */
  readonly why: string;
  /** HTTP status, when there was a response. */
  readonly status: number | undefined;
  readonly milliseconds: number;
}

export interface AskOptions {
  /** http: or https:. User information becomes basic authentication and is not repeated in `why`. */
  readonly address: URL;
  /** Milliseconds for the whole response. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface AppAddress {
  readonly port: number;
  /** Undefined asks for `/`, and any status below 500 counts as well. */
  readonly path: string | undefined;
}

/** Hosts to try when no listener of the app was seen. */
const LOOPBACK = ["127.0.0.1", "[::1]"];
const LIMIT = 3000;
/** Characters of an unwell app's response that are quoted. */
const EXCERPT = 200;

/**
 * Asks the app on this host. Tries the hosts in order until one accepts the connection.
 * @param app its hosts are 127.0.0.1 and ::1 when none are named
 */
export async function askHealth(
  app: AppAddress & {
    readonly hosts?: readonly string[];
    readonly limit?: number;
    readonly signal?: AbortSignal;
  },
): Promise<HealthResult> {
  const { port, path, hosts = LOOPBACK, ...bounds } = app;
  const accept = path === undefined ? isThere : isWell;
  let first: HealthResult | undefined;
  for (const host of hosts) {
    const address = new URL(`http://${host}:${port}${path ?? "/"}`);
    const { result, refused } = await askOnce({ ...bounds, address }, accept);
    first ??= result;
    if (refused !== true) return result.status === undefined ? first : result;
  }
  if (first === undefined) throw new TypeError("no host to ask");
  return first;
}

/** Asks at an address. A 2xx status is well. */
export async function askAddress(options: AskOptions): Promise<HealthResult> {
  return (await askOnce(options, isWell)).result;
}

/** Errors of connect(2) without a listener, or without the address: IPv6 may be switched off. */
const ABSENT: ReadonlySet<string> = new Set(["ECONNREFUSED", "EADDRNOTAVAIL", "ENETUNREACH", "EAFNOSUPPORT"]);

const isWell = (status: number) => status >= 200 && status < 300;
const isThere = (status: number) => status < 500;

interface Outcome {
  readonly result: HealthResult;
  /** Nothing listens at the address, or this host does not have it. */
  readonly refused?: boolean;
}

function askOnce(options: AskOptions, accept: (status: number) => boolean): Promise<Outcome> {
  const { address, limit = LIMIT } = options;
  const shown = hideLogins(address.href);
  const began = performance.now();
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), limit);
  const signal =
    options.signal === undefined ? timeout.signal : AbortSignal.any([timeout.signal, options.signal]);
  const resultOf = (healthy: boolean, what: string, status?: number): HealthResult => ({
    healthy,
    why: `${shown} ${what}`,
    status,
    milliseconds: Math.round(performance.now() - began),
  });
  return new Promise<Outcome>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      if (options.signal?.aborted === true) reject(error);
      else if (timeout.signal.aborted)
        resolve({ result: resultOf(false, `did not answer within ${limit} ms`) });
      else resolve({ result: resultOf(false, describeError(error)), refused: ABSENT.has(error.code ?? "") });
    };
    const request = address.protocol === "https:" ? requestHttps : requestHttp;
    const asking = request(
      address,
      { agent: false, signal, headers: { connection: "close" } },
      (response) => {
        const status = response.statusCode ?? 0;
        if (accept(status)) {
          response.destroy();
          resolve({ result: resultOf(true, `answered ${status}`, status) });
          return;
        }
        readExcerpt(response).then(
          (text) =>
            resolve({
              result: resultOf(false, `answered ${status}${text === "" ? "" : `: ${text}`}`, status),
            }),
          fail,
        );
      },
    );
    asking.once("error", fail);
    asking.end();
  }).finally(() => clearTimeout(timer));
}

/** The beginning of a response body, on one line. */
async function readExcerpt(response: IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length >= EXCERPT) break;
  }
  return text
    .slice(0, EXCERPT)
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim();
}

function describeError(error: NodeJS.ErrnoException): string {
  if (error.code === "ECONNREFUSED") return "cannot be reached: nobody listens there";
  if (error.code === "ECONNRESET") return "closed the connection without an answer";
  return `cannot be asked: ${error.message === "" ? (error.code ?? "unknown error") : error.message}`;
}
