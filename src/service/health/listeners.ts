/** Parses listening TCP sockets as the kernel and systemd write them, and decides which listener has a port. Pure. */

export interface Address {
  /** An IP address in its canonical form (RFC 5952), without brackets; an IPv4-mapped one as IPv4. */
  readonly host: string;
  readonly port: number;
}

export interface Listener extends Address {
  /** Number of the socket: `socket:[INODE]` in /proc/PID/fd. */
  readonly inode: string;
  /** User id of the process that made the socket. */
  readonly uid: number;
}

/** TCP_LISTEN of the kernel's include/net/tcp_states.h. */
const LISTEN = "0A";

/** The listening sockets in the text of /proc/net/tcp or tcp6 (proc(5)). Lines of another form are left out. */
export function parseListeners(text: string): Listener[] {
  const found: Listener[] = [];
  for (const line of text.split("\n")) {
    const [, local = "", , state, , , , uid, , inode = ""] = line.trim().split(/\s+/);
    if (state !== LISTEN) continue;
    const [host, port] = local.split(":");
    const address = parseHost(host ?? "");
    if (address !== undefined) {
      found.push({ host: address, port: Number.parseInt(port ?? "", 16), inode, uid: Number(uid) });
    }
  }
  return found;
}

/**
 * Whether a text of /proc/net/tcp has a socket that does not listen. The kernel lists the listening sockets first, so
 * no other listener follows.
 */
export function hasOthers(text: string): boolean {
  return text
    .split("\n")
    .some((line) => /^\s*\d+: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} (?!0A)[0-9A-F]{2} /.test(line));
}

/**
 * Parses an address of /proc/net/tcp: words of 32 bits in hexadecimal, in the byte order of the host. All targets of
 * gantry are little-endian, so the lowest byte is first.
 */
function parseHost(hex: string): string | undefined {
  if (!/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/i.test(hex)) return undefined;
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed());
  if (bytes.length === 4) return formatIPv4(bytes);
  const text = bytes.join("").toLowerCase();
  if (text.startsWith("00000000000000000000ffff")) return formatIPv4(bytes.slice(12));
  return canonicalIPv6((text.match(/.{4}/g) ?? []).join(":"));
}

function formatIPv4(bytes: readonly string[]): string {
  return bytes.map((byte) => Number.parseInt(byte, 16)).join(".");
}

function canonicalIPv6(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** Parses an address as `systemctl show -p Listen` writes it: `[::]:80 (Stream)`. Undefined for any other text. */
export function parseListen(text: string): Address | undefined {
  const [, v6, v4, port] = /^(?:\[([0-9a-f:.]+)\]|(\d+(?:\.\d+){3})):(\d+) \(Stream\)$/i.exec(text) ?? [];
  const host = v6 !== undefined && URL.canParse(`http://[${v6}]`) ? canonicalIPv6(v6) : v4;
  return host === undefined ? undefined : { host, port: Number(port) };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
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

/** The hosts of URLs at which to ask: those of the one listener that is most probably reachable from this host. */
export function hostsToAsk(own: readonly [Address, ...Address[]]): string[] {
  const rank = ({ host }: Address) =>
    ["0.0.0.0", "127.0.0.1", "::", "::1"].findIndex((known) => known === host) + (USUAL.has(host) ? 0 : 5);
  const { host } = own.toSorted((a, b) => rank(a) - rank(b))[0] ?? own[0];
  if (host === "0.0.0.0") return ["127.0.0.1"];
  // Where IPv6 is switched off, a socket for both families is reached by IPv4.
  if (host === "::") return ["[::1]", "127.0.0.1"];
  return [isV6(host) ? `[${host}]` : host];
}
