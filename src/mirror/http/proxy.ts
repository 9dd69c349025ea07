/**
 * Chooses the proxy of a request: HTTPS_PROXY for https, HTTP_PROXY for http, each in lower case first, as curl does.
 * NO_PROXY lists hosts that are reached directly: a name with all its subdomains, or `*` for all hosts. A port after a
 * name limits it to that port. Bun before 1.4 also reads these variables by its own rules, which cannot be turned off.
 * Pure.
 */
import { hideLogin } from "../../base/redact.ts";
import { GantryError } from "../../base/errors.ts";
import type { Environment } from "../../base/environment.ts";

/**
 * @returns the proxy's address, with its user and password; undefined when none is to be used
 * @throws GantryError CONFIG_INVALID when the variable holds no http or https address
 */
export function planProxy(url: URL, environment: Environment): URL | undefined {
  const name = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  const value = readEither(environment, name);
  if (value === "" || isExempt(url, readEither(environment, "no_proxy"))) return undefined;
  // curl reads host:port as an http proxy, and many people write it.
  const text = value.includes("://") ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol === "http:" || proxy?.protocol === "https:") return proxy;
  throw new GantryError({
    code: "CONFIG_INVALID",
    what: `${name.toUpperCase()} is "${hideLogin(text)}", which is no http or https address`,
    fix: "set it to http://HOST:PORT, or unset it",
  });
}

function readEither(environment: Environment, name: string): string {
  const small = environment[name] ?? "";
  return small === "" ? (environment[name.toUpperCase()] ?? "") : small;
}

function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.toLowerCase().replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      const parts = /^(?:\*?\.)?(\[[^\]]*\]|[^:]*|[^:]*:[^:]*:.*?)(?::(\d+))?$/.exec(entry);
      const name = (parts?.[1] ?? entry).replace(/^\[|\]$/g, "");
      if (parts?.[2] !== undefined && parts[2] !== port) return false;
      return name !== "" && (host === name || host.endsWith(`.${name}`));
    });
}
