/** Makes addresses safe to show and log, by hiding user, password and query. Pure. */

declare const redacted: unique symbol;

/**
 * The address of a mirror, registry or proxy without login and query. Only this file makes one. A function that puts an
 * address into a message, a log or JSON takes this type, so that a raw address is refused by the compiler.
 */
export type RedactedUrl = string & { readonly [redacted]: true };

// The one place where a text becomes a RedactedUrl.
const mark = (text: string) => text as RedactedUrl;

/** A parsed address without user and password. Its query, which may be a signature, is shown as `?…`. */
export function showAddress(url: URL): RedactedUrl {
  return mark(`${url.protocol}//${url.host}${url.pathname}${url.search === "" ? "" : "?…"}`);
}

/** The host:port of a parsed address. */
export function showHost(url: URL): RedactedUrl {
  return mark(url.host);
}

/** Hides user, password and query in an address, also in a malformed one. A password may contain slashes. */
export function hideLogin(address: string): RedactedUrl {
  return mark(address.replace(/\/\/.*@(?!sha256:)/s, "//***@").replace(/\?.*/s, "?…"));
}

/** Hides user and password of every address in another program's output. */
export function hideLogins(text: string): string {
  return text.replace(/\/\/[^/\s"]*@/g, "//***@");
}
