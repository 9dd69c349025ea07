/**
 * One file over HTTP, however often the connection breaks: what has arrived is kept, and the rest asked for with Range
 * and If-Range (RFC 9110, 13.1.5 and 14). A file that changed in between, or a server that answers with the whole
 * file, starts it anew.
 */
import { showAddress } from "../../base/redact.ts";
import { pageFailure, passingError, statusFailure } from "../failures.ts";
import { parseRetryAfter, retrying, type HttpResponse, type Network } from "./request.ts";
import { digestMismatch, sizeMismatch, type Expected, type Sink } from "./sink.ts";

/** Sends a GET with these headers, with whatever credentials it has. */
type Get = (headers: Readonly<Record<string, string>>) => Promise<HttpResponse>;

export interface DownloadOptions {
  readonly get: Get;
  readonly sink: Sink;
  readonly expected: Expected;
  /** What a registry's manifest says the file is; checked once the head has been seen, so that it is named first. */
  readonly claimed?: Expected | undefined;
  readonly offered: "credentials" | "nothing";
  readonly source: string;
  readonly network: Network;
  readonly progress: (bytes: number) => void;
}

/** Bytes of progress that give a broken download all its tries back. */
const HEADWAY = 1 << 20;

/** @throws GantryError; DIGEST_MISMATCH is for the sink's finish, or for sizes that are wrong from the start */
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
 * Is it the file, from where it was asked for?
 * @returns the whole file's size if the answer says it; "elsewhere" when it is another part than was asked for
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

/** What the server says of the whole file is compared as soon as the head has been seen. */
function checkClaims(total: number | undefined, { claimed, expected, source }: DownloadOptions): void {
  if (claimed !== undefined && claimed.sha256 !== expected.sha256) {
    throw digestMismatch(claimed.sha256, expected, source);
  }
  if (total !== undefined && total !== expected.size) throw sizeMismatch(String(total), expected, source);
}

/** What If-Range may be sent with: a strong entity tag, else a date that is older than the answer. */
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
