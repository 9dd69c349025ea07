/**
 * Downloads one file over HTTP, also when the connection breaks: what has arrived is kept, and the rest is requested with
 * Range and If-Range (RFC 9110, 13.1.5 and 14). The download starts again when the file has changed in between, and when
 * the server sends the whole file.
 */
import { type RedactedUrl, showAddress } from "../../base/redact.ts";
import { pageFailure, passingError, statusFailure } from "../failures.ts";
import { parseRetryAfter, retrying, type HttpResponse, type Network } from "./request.ts";
import { digestMismatch, sizeMismatch, type Expected, type Sink } from "./sink.ts";

/** Sends a GET with these headers and its own credentials. */
type Get = (headers: Readonly<Record<string, string>>) => Promise<HttpResponse>;

export interface DownloadOptions {
  readonly get: Get;
  readonly sink: Sink;
  readonly expected: Expected;
  /**
   * Size and digest by a registry's manifest. They are compared after the head has been checked, because the error for
   * a wrong head says more.
   */
  readonly claimed?: Expected | undefined;
  readonly offered: "credentials" | "nothing";
  readonly source: RedactedUrl;
  readonly network: Network;
  readonly progress: (bytes: number) => void;
}

/** After this many further bytes, the number of failed tries starts at 0 again. */
const HEADWAY = 1 << 20;

/**
 * Downloads the file into the sink.
 * @throws GantryError: NETWORK_FAILED, BUNDLE_MISSING, PERMISSION_DENIED, what the sink throws; DIGEST_MISMATCH when the
 *   server names another size or digest
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { sink, network } = options;
  let validator: string | undefined;
  let ranges: "allowed" | "refused" = "allowed";
  let reached = 0;
  await retrying(network, async (restart) => {
    if (validator === undefined || ranges === "refused") sink.restart();
    const from = sink.bytes();
    const headers =
      from === 0 || validator === undefined ? {} : { range: `bytes=${from}-`, "if-range": validator };
    const response = await options.get(headers);
    if (response.status === 416) {
      ranges = "refused";
      response.discard();
      throw passingError(rangeFinding(response), 0);
    }
    const total = acceptResponse(response, options);
    validator = strongValidator(response.headers);
    if (total === "elsewhere") {
      ranges = "refused";
      throw passingError(rangeFinding(response), 0);
    }
    for await (const chunk of response.readChunks()) {
      sink.write(chunk);
      if (sink.passed()) checkClaims(total, options);
      options.progress(sink.bytes());
      if (sink.bytes() >= reached + HEADWAY) {
        reached = sink.bytes();
        restart();
      }
    }
    // Bun ends a body in silence where Node says that the connection was lost.
    if (total !== undefined && sink.bytes() < total) throw passingError(shortFinding(response));
  });
}

/**
 * Checks that a response has the file, or the requested part of it.
 * @returns the whole file's size, if the response names it; "elsewhere" for another part than the requested one
 */
function acceptResponse(response: HttpResponse, options: DownloadOptions): number | "elsewhere" | undefined {
  const { status, headers, attempted } = response;
  if (status !== 200 && status !== 206) {
    response.discard();
    const after = parseRetryAfter(headers.get("retry-after"), Date.now());
    throw statusFailure(status, attempted, options.offered, { after });
  }
  if (/^(?:text\/html|application\/xhtml)/i.test(headers.get("content-type") ?? "")) {
    response.discard();
    throw pageFailure(attempted.url);
  }
  if (status === 200) {
    options.sink.restart();
    const length = headers.get("content-length");
    return length === null ? undefined : Number(length);
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  if (range === null || Number(range[1]) !== options.sink.bytes()) {
    response.discard();
    return "elsewhere";
  }
  return range[2] === "*" ? undefined : Number(range[2]);
}

/** Compares the server's size and digest of the whole file, as soon as the head has been checked. */
function checkClaims(total: number | undefined, { claimed, expected, source }: DownloadOptions): void {
  if (claimed !== undefined && claimed.sha256 !== expected.sha256) {
    throw digestMismatch(claimed.sha256, expected, source);
  }
  if (total !== undefined && total !== expected.size) throw sizeMismatch(String(total), expected, source);
}

/**
 * The value for If-Range: a strong entity tag, or, where there is no tag, a Last-Modified that is older than the
 * response.
 */
function strongValidator(headers: Headers): string | undefined {
  const tag = headers.get("etag");
  if (tag !== null && /^"[^"]*"$/.test(tag)) return tag;
  const modified = headers.get("last-modified");
  const date = Date.parse(headers.get("date") ?? "");
  return tag === null && modified !== null && Date.parse(modified) < date ? modified : undefined;
}

function rangeFinding({ attempted: { url } }: HttpResponse) {
  return {
    code: "NETWORK_FAILED",
    what: `${url.host} does not send the rest of a broken download`,
    where: showAddress(url),
    fix: "start again",
  } as const;
}

function shortFinding({ attempted: { url } }: HttpResponse) {
  return {
    code: "NETWORK_FAILED",
    what: `${url.host} closed the connection before the bundle was whole`,
    where: showAddress(url),
    fix: "check the network, then start again",
  } as const;
}
