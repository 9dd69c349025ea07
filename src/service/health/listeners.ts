/** Decides which listener has a port, and parses listeners as systemd writes them. Pure. */
import { type Address, canonicalIPv6, type Listener } from "../../base/proc/index.ts";

/** Parses an address as `systemctl show -p Listen` writes it: `[::]:80 (Stream)`. Undefined for any other text. */
export function parseListen(text: string): Address | undefined {
  const [, v6, v4, port] = /^(?:\[([0-9a-f:.]+)\]|(\d+(?:\.\d+){3})):(\d+) \(Stream\)$/i.exec(text) ?? [];
  const host = v6 !== undefined && URL.canParse(`http://[${v6}]`) ? canonicalIPv6(v6) : v4;
  return host === undefined ? undefined : { host, port: Number(port) };
}

const isV6 = (host: string) => host.includes(":");

/**
 * Whether `one` gets connections that are meant for `other`. It does at the same address, because SO_REUSEPORT
 * distributes the connections (socket(7)), and at an address that the wildcard of `other` covers. `::` also covers
 * IPv4.
 */
export function takesFrom(one: Address, other: Address): boolean {
  if (one.port !== other.port) return false;
  if (one.host === other.host) return true;
  if (other.host === "0.0.0.0") return !isV6(one.host);
  return other.host === "::";
}

/** Addresses at which a program usually listens when nothing else has its port. */
const USUAL: ReadonlySet<string> = new Set(["0.0.0.0", "::", "127.0.0.1", "::1"]);

/**
 * Whether a program that starts next would probably find its port taken by this listener.
 * @param other a listener on that port
 * @param own the addresses at which the program listens now; empty when it does not run
 */
export function isInTheWay(other: Address, own: readonly Address[]): boolean {
  return own.length === 0 ? USUAL.has(other.host) : own.some((one) => takesFrom(other, one));
}

/** Who has a port, once the owner of each listener is known. */
export type PortState =
  /** No listener; `elsewhere` are the service's listeners on other ports. */
  | { readonly kind: "none"; readonly elsewhere: readonly Listener[] }
  /** Only the service has listeners. */
  | { readonly kind: "own"; readonly own: readonly [Listener, ...Listener[]] }
  /**
   * Another program has the port, by the listener `by`. `beside` is the service's listener whose connections that one
   * gets, if the service has a listener.
   */
  | { readonly kind: "other"; readonly by: Listener; readonly beside: Listener | undefined };

/**
 * Decides who has a port.
 * @param listeners all listeners of one network namespace
 * @param isOwn whether a listener is the service's
 */
export function decidePort(
  port: number,
  listeners: readonly Listener[],
  isOwn: (listener: Listener) => boolean,
): PortState {
  const mine = listeners.filter(isOwn);
  const [first, ...rest] = mine.filter((listener) => listener.port === port);
  const others = listeners.filter((listener) => listener.port === port && !isOwn(listener));
  if (first === undefined) {
    const [by] = others;
    return by === undefined ? { kind: "none", elsewhere: mine } : { kind: "other", by, beside: undefined };
  }
  const own: [Listener, ...Listener[]] = [first, ...rest];
  for (const by of others) {
    const beside = own.find((one) => takesFrom(by, one));
    if (beside !== undefined) return { kind: "other", by, beside };
  }
  return { kind: "own", own };
}

/** The smaller, the more probably a listener is reachable from this host. */
const rank = ({ host }: Address) =>
  ["0.0.0.0", "127.0.0.1", "::", "::1"].findIndex((known) => known === host) + (USUAL.has(host) ? 0 : 5);

/** The hosts of URLs at which to ask: those of the one listener that is most probably reachable from this host. */
export function hostsToAsk(own: readonly [Address, ...Address[]]): string[] {
  const { host } = own.toSorted((a, b) => rank(a) - rank(b))[0] ?? own[0];
  if (host === "0.0.0.0") return ["127.0.0.1"];
  // Where IPv6 is switched off, a socket for both families is reached by IPv4.
  if (host === "::") return ["[::1]", "127.0.0.1"];
  return [isV6(host) ? `[${host}]` : host];
}
