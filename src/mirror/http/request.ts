/**
 * Requests with limits: a time to answer, a time without a byte, a number of redirects and of tries. Whatever goes
 * wrong is a finding. The only user of the network in gantry's own code.
 */
import { createFetch } from "ofetch";
import { setTimeout as sleep } from "node:timers/promises";
import { showAddress } from "../../base/redact.ts";
import type { Environment } from "../../base/environment.ts";
import { readCaCertificates } from "./ca-certificates.ts";
import { connectionFailure, readPassing, stalledFailure, type Attempted } from "../failures.ts";
import { GantryError } from "../../base/errors.ts";
import { planProxy } from "./proxy.ts";
import { transmit } from "./transport.ts";

/** All in milliseconds but the number of retries. */
export interface Limits {
  /** Until an answer begins. */
  readonly response: number;
  /** Without a byte of a body. */
  readonly idle: number;
  /** Further tries of something that failed in passing. */
  readonly retries: number;
  /** Before the first further try; twice as long before each next one, give or take half. */
  readonly delay: number;
  /** The longest wait that a server may ask for. */
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
  /** Read anew for each try; its length goes into a content-length header. */
  readonly body?: () => AsyncIterable<Uint8Array>;
}

/** An answer whose body has not been read yet. Read it with readChunks, or end it with discard. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly attempted: Attempted;
  /** What is left of the body, in the pieces that it arrives in; throws GantryError when they stop coming. */
  readonly readChunks: () => AsyncGenerator<Uint8Array, void, void>;
  readonly discard: () => void;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 10;

/**
 * Sends a request, follows redirects of GET and HEAD, and hands over whatever status comes in the end.
 * Credentials stay with the origin they were made for.
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
  const attempted: Attempted = { url, proxy: proxy?.host };
  const cut = createCut(signal, attempted);
  const outgoing = {
    method: request.method ?? "GET",
    headers: {
      "accept-encoding": "identity",
      "user-agent": "gantry",
      ...request.headers,
      ...(request.authorization === undefined ? {} : { authorization: request.authorization }),
    },
    signal: cut.signal,
  };
  // ofetch lays out the request and hands it to the transport; its own retries could neither be aborted nor resume.
  const through = (_input: unknown, init: RequestInit | undefined) =>
    transmit(
      url,
      {
        method: outgoing.method,
        headers: new Headers(init?.headers),
        signal: cut.signal,
        body: request.body === undefined ? undefined : watched(request.body(), cut, limits.response),
      },
      { proxy, caCertificates },
    );
  const ofetch = createFetch({
    fetch: Object.assign(through, { preconnect: () => undefined }),
    Headers,
    AbortController,
  });
  cut.watch("response", limits.response);
  try {
    const options = { ...outgoing, responseType: "stream", retry: false, ignoreResponseError: true } as const;
    const response = await Promise.race([ofetch.raw(url.href, options), cut.ended]);
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

/** An upload takes as long as it takes; every piece that leaves starts the wait for an answer anew. */
async function* watched(body: AsyncIterable<Uint8Array>, cut: Cut, limit: number) {
  for await (const chunk of body) {
    cut.watch("response", limit);
    yield chunk;
  }
}

type Cut = ReturnType<typeof createCut>;

/** Ends one exchange: when the caller's signal says so, when a watched time has passed, when it is not needed. */
function createCut(outer: AbortSignal, attempted: Attempted) {
  outer.throwIfAborted();
  const controller = new AbortController();
  const state: { timer?: NodeJS.Timeout } = {};
  const ended = new Promise<never>((_, reject) => {
    controller.signal.addEventListener("abort", () => reject(controller.signal.reason), { once: true });
  });
  // Nobody may be waiting for it when it comes.
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
    /** Starts the watch anew, or ends it. */
    watch: (stage: "response" | "idle", milliseconds: number | undefined) => {
      clearTimeout(state.timer);
      if (milliseconds === undefined) return;
      state.timer = setTimeout(() => end(stalledFailure(stage, milliseconds, attempted)), milliseconds);
    },
    /** What an error of this exchange means; the exchange is over. */
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
  // A race with a promise that lives as long as the download would keep every piece alive as long.
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

/** The whole of a small body. */
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
 * Does something until it succeeds, fails for good or there are no tries left. Waits longer each time, and as long as
 * a server asks for.
 * @param work told how often it has failed since `restart` was called, which gives it all its tries back
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
 * Milliseconds that an answer asks for (RFC 9110, 10.2.3): a number of seconds or a date.
 * @param now milliseconds since the epoch
 */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
