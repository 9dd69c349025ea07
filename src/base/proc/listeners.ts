/** Parses listening sockets as the kernel writes them. Pure. */

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

/** An IPv6 address in its canonical form (RFC 5952), without brackets. */
export function canonicalIPv6(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A listening socket of the file system or, with `@` before its name, of the abstract namespace (unix(7)). */
export interface UnixListener {
  readonly path: string;
  readonly inode: string;
}

/** __SO_ACCEPTCON of the kernel's include/linux/net.h, as /proc/net/unix shows it. */
const ACCEPTS = "00010000";

/** The listening sockets with a name in the text of /proc/net/unix (proc(5)). */
export function parseUnixListeners(text: string): UnixListener[] {
  return text.split("\n").flatMap((line) => {
    const [, , , flags, , , inode, ...words] = line.trim().split(/\s+/);
    const path = words.join(" ");
    return flags === ACCEPTS && inode !== undefined && path !== "" ? [{ path, inode }] : [];
  });
}
