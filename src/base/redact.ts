/** Addresses as they may be shown or logged: without the user and password that they may hold. Pure. */

/** An address that was parsed; of a query, which may be a signature, only that there is one. */
export function showAddress(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === "" ? "" : "?…"}`;
}

/** Any text that was given as an address, well formed or not; a password may hold slashes. */
export function hideLogin(address: string): string {
  return address.replace(/\/\/.*@(?!sha256:)/s, "//***@").replace(/\?.*/s, "?…");
}

/** Every address in a text that another program wrote. */
export function hideLogins(text: string): string {
  return text.replace(/\/\/[^/\s"]*@/g, "//***@");
}
