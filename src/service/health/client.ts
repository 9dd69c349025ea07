/**
 * Asks a running app over HTTP whether it is healthy. Each request has a time limit. Of a response with an accepted
 * status only the headers have to arrive in time, of any other one also the quoted beginning of the body. An app that
 * exceeds the limit counts as unhealthy.
 */
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { hideLogins } from "../../base/redact.ts";

export interface HealthResult {
  readonly healthy: boolean;
  /** The address and the result, as one sentence without a full stop. */
  readonly why: string;
  /** HTTP status, when there was a response. */
  readonly status: number | undefined;
  readonly milliseconds: number;
}

export interface AskOptions {
  /** An http: or https: URL. User name and password are sent by basic authentication, and are not repeated in `why`. */
  readonly address: URL;
  /** Milliseconds for the request and its response. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface AppAddress {
  readonly port: number;
  /** Undefined: `/` is asked for, and every status below 500 counts as healthy. Otherwise only a 2xx status does. */
  readonly path: string | undefined;
}

/** Hosts to try when the caller names none. */
const LOOPBACK = ["127.0.0.1", "[::1]"];
const LIMIT = 3000;
/** Characters of the body that are quoted when the status is not accepted. */
const EXCERPT = 200;

/**
 * Asks the app on this host. Tries the hosts in order until one accepts the connection.
 * @param app the app's port, path and hosts; the hosts are 127.0.0.1 and ::1 when left out
 * @returns the result of the first host when none responds
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

/** Asks at an address. A 2xx status counts as healthy. */
export async function askAddress(options: AskOptions): Promise<HealthResult> {
  return (await askOnce(options, isWell)).result;
}

/** Errors of connect(2) when nothing listens, or when this host lacks the address, as where IPv6 is switched off. */
const ABSENT: ReadonlySet<string> = new Set(["ECONNREFUSED", "EADDRNOTAVAIL", "ENETUNREACH", "EAFNOSUPPORT"]);

const isWell = (status: number) => status >= 200 && status < 300;
const isThere = (status: number) => status < 500;

interface Outcome {
  readonly result: HealthResult;
  /** True when nothing listens at the address, or this host does not have the address. */
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
