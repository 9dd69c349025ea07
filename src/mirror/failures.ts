/**
 * Turns failures of requests into findings, each with its own sentence and fix. No finding shows credentials: addresses
 * come without them, and messages of the runtimes are not repeated.
 */
import { type RedactedUrl, showAddress } from "../base/redact.ts";
import { errorCode, GantryError, type Finding } from "../base/errors.ts";

/**
 * Passing failures: errors after which another try may succeed. Each has the milliseconds that the server asked to wait
 * (Retry-After), if it did.
 */
const waits = new WeakMap<GantryError, number | undefined>();

/** An error after which `retrying` tries again. After the last try it is an error like any other. */
export function passingError(finding: Finding, after?: number): GantryError {
  const error = new GantryError(finding);
  waits.set(error, after);
  return error;
}

/** For a passing error, the milliseconds that the server asked to wait, if it did; undefined for every other error. */
export function readPassing(error: unknown): { readonly after: number | undefined } | undefined {
  return error instanceof GantryError && waits.has(error) ? { after: waits.get(error) } : undefined;
}

/** The address and proxy of a request, for messages. */
export interface Attempted {
  readonly url: URL;
  /** host:port of the proxy it went through. */
  readonly proxy: RedactedUrl | undefined;
}

/** Thrown when the proxy refuses a tunnel (CONNECT). */
export class ProxyRefusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the proxy answered ${status}`);
    this.name = "ProxyRefusal";
    this.status = status;
  }
}

const AGAIN = "check the network, then start again";
const LOGIN_FIX =
  "set GANTRY_TOKEN, or put the user and password for that host into ~/.netrc (mode 600), then start again";

interface Rule {
  readonly codes: RegExp;
  readonly what: (name: string) => string;
  readonly fix: string;
  /** Whether another try may succeed. */
  readonly passing: boolean;
}

/** Codes of Node's and Bun's sockets, resolvers and TLS libraries (Bun before 1.4 has names of its own). */
const RULES: readonly Rule[] = [
  {
    codes: /^(?:CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    what: (name) => `the certificate of ${name} has expired, or this machine's clock is wrong`,
    fix: "check the date here; if it is right, tell the operator of the mirror",
    passing: false,
  },
  {
    codes: /^(?:UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT.*)|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT.*)$/,
    what: (name) => `the certificate of ${name} was issued by an authority that is not known here`,
    fix: "name the file with your authority's certificate in NODE_EXTRA_CA_CERTS",
    passing: false,
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    what: (name) => `the certificate that ${name} shows is for another host`,
    fix: "use the host name that the certificate is made for",
    passing: false,
  },
  {
    codes: /^(?:EPROTO|ERR_SSL_.*|ERR_TLS_.*|CERT_.*)$/,
    what: (name) => `no safe connection to ${name} came about: it does not speak TLS as this machine does`,
    fix: "check the address: https:// needs a server that speaks TLS at that port",
    passing: false,
  },
  {
    codes: /^(?:ENOTFOUND|EAI_.*|FailedToOpenSocket|DNSException)$/,
    what: (name) => `the name of ${name} cannot be resolved`,
    fix: "check the address and this machine's DNS, then start again",
    passing: true,
  },
  {
    codes: /^(?:ECONNREFUSED|ConnectionRefused)$/,
    what: (name) => `${name} refuses connections`,
    fix: "check the address and its port, and that the server runs, then start again",
    passing: true,
  },
  {
    codes: /^(?:EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL)$/,
    what: (name) => `there is no way to ${name} from this machine`,
    fix: AGAIN,
    passing: true,
  },
];

/** The failure for an error that a request threw. */
export function connectionFailure(error: unknown, attempted: Attempted): GantryError {
  if (error instanceof GantryError) return error;
  const refusal = proxyStatus(error);
  if (refusal !== undefined) return proxyFailure(refusal, attempted);
  const codes = errorCodes(error);
  const name = nameOf(attempted);
  const rule = RULES.find((one) => codes.some((code) => one.codes.test(code)));
  if (rule === undefined) {
    const detail = codes.slice(0, 1);
    const what = `the connection to ${name} broke`;
    return passingError({
      ...networkFinding(attempted, what, AGAIN),
      ...(detail.length === 0 ? {} : { detail }),
    });
  }
  const built = networkFinding(attempted, rule.what(name), rule.fix);
  return rule.passing ? passingError(built) : new GantryError(built);
}

/** The failure for a request that timed out: before its response began, or while its body was read. */
export function stalledFailure(
  stage: "response" | "idle",
  milliseconds: number,
  attempted: Attempted,
): GantryError {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  const what =
    stage === "response"
      ? `${nameOf(attempted)} did not answer within ${seconds} s`
      : `${nameOf(attempted)} sent nothing for ${seconds} s`;
  return passingError(networkFinding(attempted, what, AGAIN));
}

/**
 * The failure for a response that is neither success nor redirect.
 * @param offered whether the request had credentials
 * @param more `after`: milliseconds that the server asked to wait; `loginFix`: the fix for a missing or refused login
 */
export function statusFailure(
  status: number,
  attempted: Attempted,
  offered: "credentials" | "nothing",
  more: { readonly after?: number | undefined; readonly loginFix?: string | undefined } = {},
): GantryError {
  const { after, loginFix = LOGIN_FIX } = more;
  const name = attempted.url.host;
  const where = showAddress(attempted.url);
  switch (status) {
    case 401: {
      const what =
        offered === "credentials"
          ? `${name} does not accept the credentials that it got`
          : `${name} wants credentials`;
      return new GantryError({ code: "PERMISSION_DENIED", what, where, fix: loginFix });
    }
    case 403: {
      const what = `${name} does not allow this (403)`;
      const fix = offered === "credentials" ? "ask its operator for the right to do this" : loginFix;
      return new GantryError({ code: "PERMISSION_DENIED", what, where, fix });
    }
    case 404:
    case 410:
      return new GantryError({
        code: "BUNDLE_MISSING",
        what: `${name} has no such bundle (${status})`,
        where,
        fix: "check the address, or copy the bundle to it",
      });
    case 407:
      return proxyFailure(status, attempted);
    default: {
      const built = networkFinding(attempted, `${name} answered ${status}`, AGAIN);
      const passing = status === 408 || status === 425 || status === 429 || status >= 500;
      return passing ? passingError(built, after) : new GantryError(built);
    }
  }
}

/** The failure for an HTML page in place of a bundle, as a sign-in page or a captive portal sends it. */
export function pageFailure(url: URL): GantryError {
  return new GantryError({
    code: "BUNDLE_MISSING",
    what: `${url.host} answered with a web page instead of a bundle`,
    where: showAddress(url),
    fix: "open the address in a browser: it may be a sign-in page, or a network that wants one",
  });
}

function proxyFailure(status: number, attempted: Attempted): GantryError {
  const proxy = attempted.proxy ?? "the proxy";
  const where = showAddress(attempted.url);
  if (status === 407) {
    const what = `the proxy ${proxy} wants credentials, or does not accept the ones it got`;
    const fix = "put them into the proxy's address: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT";
    return new GantryError({ code: "PERMISSION_DENIED", what, where, fix });
  }
  const what = `the proxy ${proxy} opens no way to ${attempted.url.host} (it answered ${status})`;
  const built: Finding = {
    code: "NETWORK_FAILED",
    what,
    where,
    fix: "ask for that host to be allowed, or name it in NO_PROXY if it can be reached directly",
  };
  return status >= 500 ? passingError(built) : new GantryError(built);
}

/** The status of a proxy's refusal. Bun 1.4 throws ERR_PROXY_TUNNEL with it; older ones return the proxy's response. */
function proxyStatus(error: unknown): number | undefined {
  for (const one of causesOf(error)) {
    if (one instanceof ProxyRefusal) return one.status;
    if (errorCode(one) === "ERR_PROXY_TUNNEL") return Number(/\b[1-5]\d\d\b/.exec(one.message)?.[0] ?? 502);
  }
  return undefined;
}

/** An error and its causes. An AggregateError has one for each address of a name that was tried. */
function causesOf(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const tried: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  return [error, ...tried.flatMap(causesOf), ...causesOf(error.cause)];
}

function errorCodes(error: unknown): string[] {
  return causesOf(error).flatMap((one) => errorCode(one) ?? []);
}

function nameOf({ url, proxy }: Attempted): string {
  return proxy === undefined ? url.host : `${url.host} (through the proxy ${proxy})`;
}

function networkFinding({ url }: Attempted, what: string, fix: string): Finding {
  return { code: "NETWORK_FAILED", what, where: showAddress(url), fix };
}
