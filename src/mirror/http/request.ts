/**
 * Sends requests with limits: on the time until a response, on the time without a byte, on redirects and on retries.
 * Every failure is a finding. Together with transport.ts this is the only code of gantry that uses the network.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { showAddress, showHost } from "../../base/redact.ts";
import type { Environment } from "../../base/environment.ts";
import { readCaCertificates } from "./ca-certificates.ts";
import { connectionFailure, readPassing, stalledFailure, type Attempted } from "../failures.ts";
import { GantryError } from "../../base/errors.ts";
import { planProxy } from "./proxy.ts";
import { transmit } from "./transport.ts";

/** All in milliseconds but the number of retries. */
export interface Limits {
  /** The longest time until a response begins. */
  readonly response: number;
  /** The longest time without a byte of the response's body. */
  readonly idle: number;
  /** Number of further tries after a passing failure, see passingError. */
  readonly retries: number;
  /** The wait before the first further try. It doubles before each next one, and varies at random by half. */
  readonly delay: number;
  /** The longest wait before a further try. When a server asks for more, there is no further try. */
  readonly patience: number;
}

export const LIMITS: Limits = { response: 30_000, idle: 30_000, retries: 4, delay: 500, patience: 60_000 };

export interface Network {
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly debug: (text: string) => void;
  readonly limits: Limits;
}

export interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: string | undefined;
  /** Called for each try. The caller sets content-length. */
  readonly body?: () => AsyncIterable<Uint8Array>;
}

/** A response whose body has not been read yet. Read it with readChunks, or end it with discard. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly attempted: Attempted;
  /** The body in pieces, as it arrives; throws GantryError NETWORK_FAILED when it breaks or stalls. */
  readonly readChunks: () => AsyncGenerator<Uint8Array, void, void>;
  /** Ends the connection without reading the body. */
  readonly discard: () => void;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 10;

/**
 * Sends a request, follows redirects of GET and HEAD, and returns the last response, whatever its status.
 * Credentials are sent only to the first address's origin.
 * @throws GantryError NETWORK_FAILED (readPassing tells whether another try may help), PERMISSION_DENIED, CONFIG_INVALID;
 *   the signal's reason once that is aborted
 */
export async function send(first: URL, request: Request, network: Network): Promise<HttpResponse> {
  const follows = request.method === undefined || request.method === "HEAD";
  let url = first;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
    const authorization = url.origin === first.origin ? request.authorization : undefined;
    const response = await sendOnce(url, { ...request, authorization }, network);
    const location = response.headers.get("location");
    if (!follows || !REDIRECTS.has(response.status) || location === null) return response;
    response.discard();
    url = followRedirect(url, location);
    network.debug(`redirected to ${showAddress(url)}`);
  }
  throw refuse(first, `${first.host} redirects in circles`);
}

function followRedirect(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || !/^https?:$/.test(to.protocol)) {
    throw refuse(from, `${from.host} redirects to something that is no web address`);
  }
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw refuse(from, `${from.host} redirects to ${to.host} without encryption`);
  }
  to.username = "";
  to.password = "";
  to.hash = "";
  return to;
}

function refuse(url: URL, what: string): GantryError {
  const fix = "use the address that the file really has, or tell the operator of the mirror";
  return new GantryError({ code: "NETWORK_FAILED", what, where: showAddress(url), fix });
}

async function sendOnce(url: URL, request: Request, network: Network): Promise<HttpResponse> {
  const { environment, signal, limits } = network;
  const proxy = planProxy(url, environment);
  const caCertificates =
    url.protocol === "https:" || proxy?.protocol === "https:" ? readCaCertificates(environment) : undefined;
  const attempted: Attempted = { url, proxy: proxy && showHost(proxy) };
  const cut = createCut(signal, attempted);
  const outgoing = {
    method: request.method ?? "GET",
    headers: new Headers({
      "accept-encoding": "identity",
      "user-agent": "gantry",
      ...request.headers,
      ...(request.authorization === undefined ? {} : { authorization: request.authorization }),
    }),
    signal: cut.signal,
    body: request.body === undefined ? undefined : watched(request.body(), cut, limits.response),
  };
  cut.watch("response", limits.response);
  try {
    const sent = transmit(url, outgoing, { proxy, caCertificates });
    const response = await Promise.race([sent, cut.ended]);
    cut.watch("idle", undefined);
    return {
      status: response.status,
      headers: response.headers,
      attempted,
      readChunks: () => readChunks(response, cut, network.limits.idle),
      discard: () => cut.end(new Error("not needed")),
    };
  } catch (error) {
    throw cut.explain(error);
  }
}

/** The body of an upload. Each piece restarts the timer for the response, because an upload may take long. */
async function* watched(body: AsyncIterable<Uint8Array>, cut: Cut, limit: number) {
  for await (const chunk of body) {
    cut.watch("response", limit);
    yield chunk;
  }
}

type Cut = ReturnType<typeof createCut>;

/** Ends one exchange: when the caller's signal aborts, when a timer runs out, or when it is not needed any more. */
function createCut(outer: AbortSignal, attempted: Attempted) {
  outer.throwIfAborted();
  const controller = new AbortController();
  const state: { timer?: NodeJS.Timeout } = {};
  const ended = new Promise<never>((_, reject) => {
    controller.signal.addEventListener("abort", () => reject(controller.signal.reason), { once: true });
  });
  // Without a handler, Node treats the rejection as unhandled.
  ended.catch(() => undefined);
  const end = (reason: unknown) => {
    clearTimeout(state.timer);
    outer.removeEventListener("abort", stop);
    controller.abort(reason);
  };
  const stop = () => end(outer.reason);
  outer.addEventListener("abort", stop, { once: true });
  return {
    signal: controller.signal,
    ended,
    end,
    /** Restarts the timer, or ends it when `milliseconds` is undefined. */
    watch: (stage: "response" | "idle", milliseconds: number | undefined) => {
      clearTimeout(state.timer);
      if (milliseconds === undefined) return;
      state.timer = setTimeout(() => end(stalledFailure(stage, milliseconds, attempted)), milliseconds);
    },
    /** The failure for an error of this exchange, which it ends. */
    explain: (error: unknown): unknown => {
      const stopped: unknown = controller.signal.aborted ? controller.signal.reason : undefined;
      end(error);
      return stopped ?? connectionFailure(error, attempted);
    },
  };
}

async function* readChunks(
  response: Response,
  cut: Cut,
  idle: number,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = response.body?.getReader();
  // Not Promise.race with `ended`: each piece would stay in memory until the end of the download.
  const stop = () => void reader?.cancel().catch(() => undefined);
  cut.signal.addEventListener("abort", stop, { once: true });
  try {
    if (reader === undefined) return;
    for (;;) {
      cut.watch("idle", idle);
      let next;
      try {
        next = await reader.read();
        cut.signal.throwIfAborted();
      } catch (error) {
        throw cut.explain(error);
      }
      cut.watch("idle", undefined);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    cut.end(new Error("read"));
  }
}

/** Reads a small body; undefined when it has more than `most` bytes. */
export async function readBody(response: HttpResponse, most: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.readChunks()) {
    bytes += chunk.length;
    if (bytes > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Calls `work` until it succeeds, fails with an error that is not passing, or there are no tries left. It waits longer
 * before each try, or as long as the server asks.
 * @param work gets `restart`, which sets the number of failed tries to 0
 */
export async function retrying<T>(network: Network, work: (restart: () => void) => Promise<T>): Promise<T> {
  const { limits, signal, debug } = network;
  for (let failures = 0; ; failures += 1) {
    try {
      return await work(() => {
        failures = 0;
      });
    } catch (error) {
      signal.throwIfAborted();
      const passing = readPassing(error);
      if (!(error instanceof GantryError) || passing === undefined) throw error;
      if (failures >= limits.retries) throw error;
      const wait = passing.after ?? limits.delay * 2 ** failures * (0.5 + Math.random());
      if (wait > limits.patience) throw error;
      debug(`${error.findings[0].what}; trying again in ${(wait / 1000).toFixed(1)} s`);
      await sleep(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/**
 * Parses a Retry-After header (RFC 9110, 10.2.3), a number of seconds or a date, as milliseconds from now.
 * @param now milliseconds since the epoch
 */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
