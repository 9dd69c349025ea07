/** Makes addresses safe to show and log, by hiding user, password and query. Pure. */

/** A parsed address without user and password. Its query, which may be a signature, is shown as `?…`. */
export function showAddress(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === "" ? "" : "?…"}`;
}

/** Hides user, password and query in an address, also in a malformed one. A password may contain slashes. */
export function hideLogin(address: string): string {
  return address.replace(/\/\/.*@(?!sha256:)/s, "//***@").replace(/\?.*/s, "?…");
}

/** Hides user and password of every address in another program's output. */
export function hideLogins(text: string): string {
  return text.replace(/\/\/[^/\s"]*@/g, "//***@");
}
