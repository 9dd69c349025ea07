/**
 * Chooses the credentials of a request, the first of: user and password in the address, GANTRY_TOKEN (sent as
 * `Authorization: Bearer`), the netrc entry for the host. They are sent only to the address's own origin, and never to
 * the target of a redirect.
 */
import type { Environment } from "../../base/environment.ts";
import type { Login } from "../address.ts";
import { readNetrc } from "./netrc.ts";

/** The value of an Authorization header, or undefined for none. */
export function readAuthorization(
  url: URL,
  login: Login | undefined,
  environment: Environment,
): string | undefined {
  if (login !== undefined) return basic(login);
  const token = environment["GANTRY_TOKEN"] ?? "";
  if (token !== "") return `Bearer ${token}`;
  const entry = readNetrc(url.hostname, environment);
  return entry === undefined ? undefined : basic(entry);
}

/** A Basic authorization header's value (RFC 7617), in UTF-8. */
export function basic({ user, password }: Login): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}
