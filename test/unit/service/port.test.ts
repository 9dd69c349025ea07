/** Whose a port is, from tables as Linux and systemd wrote them. */
import { describe, expect, it } from "vitest";
import {
  formatAddress,
  hasOthers,
  parseListeners,
  type Address,
  type Listener,
} from "../../../src/base/proc/index.ts";
import {
  decidePort,
  hostsToAsk,
  isInTheWay,
  parseListen,
  takesFrom,
} from "../../../src/service/health/listeners.ts";
import { unitOf } from "../../../src/service/health/port-owner.ts";
import { nextPort } from "../../../src/service/health/next-port.ts";
import { parseSocketUnits } from "../../../src/service/systemd/systemctl.ts";

/** /proc/net/tcp of Linux 6 with listeners at 127.0.0.1:4690 and 0.0.0.0:4691, and a connection to the first. */
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 0100007F:1252 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 232165 1 0000000083d09168 100 0 0 10 0                    
   1: 00000000:1253 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 232166 1 00000000a91a072e 100 0 0 10 0                    
   2: 0100007F:C782 0100007F:1252 01 00000000:00000000 00:00000000 00000000     0        0 232171 2 000000000a1f97e9 20 0 0 10 -1                    
   3: 0100007F:1252 0100007F:C782 01 00000000:00000000 00:00000000 00000000     0        0 232172 1 0000000029a41de8 20 0 0 10 -1                    
`;
/** Its /proc/net/tcp6: an IPv4-mapped listener, ::1, and two at [::]. */
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000100007F:1256 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 232169 1 000000004433435c 100 0 0 10 0
   1: 00000000000000000000000001000000:1252 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 232168 1 000000002d4ea973 100 0 0 10 0
   2: 00000000000000000000000000000000:1253 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 232170 1 00000000e44c3576 100 0 0 10 0
   3: B80D0120000000000000000001000000:1254 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 232167 1 00000000d782c71f 100 0 0 10 0
`;

const listener = (address: string, inode = "1", uid = 0): Listener => {
  const found = parseListen(`${address} (Stream)`);
  if (found === undefined) throw new Error(address);
  return { ...found, inode, uid };
};

describe("the kernel's tables", () => {
  it("name the listeners of IPv4, and no connection", () => {
    expect(parseListeners(TCP)).toEqual([
      { host: "127.0.0.1", port: 4690, inode: "232165", uid: 0 },
      { host: "0.0.0.0", port: 4691, inode: "232166", uid: 1001 },
    ]);
  });

  it("name those of IPv6, where a mapped address is one of IPv4", () => {
    expect(parseListeners(TCP6).map(formatAddress)).toEqual([
      "127.0.0.1:4694",
      "[::1]:4690",
      "[::]:4691",
      "[2001:db8::1]:4692",
    ]);
  });

  it("are read no further than the listeners reach, wherever a piece is cut", () => {
    expect(hasOthers(TCP6)).toBe(false);
    expect(hasOthers(TCP)).toBe(true);
    const listeners = TCP.slice(0, TCP.indexOf("   2: "));
    for (let end = 0; end <= listeners.length; end += 1)
      expect(hasOthers(listeners.slice(0, end))).toBe(false);
  });

  it.each(["", "\n", "garbage", "   0: 01:1252 0:0 0A", "  sl  local_address rem_address   st"])(
    "are empty in %j",
    (text) => expect(parseListeners(text)).toEqual([]),
  );
});

describe("what systemd listens at", () => {
  it.each([
    ["[::]:4690 (Stream)", "[::]:4690"],
    ["0.0.0.0:80 (Stream)", "0.0.0.0:80"],
    ["[2001:db8:0:0::1]:80 (Stream)", "[2001:db8::1]:80"],
  ])("%s is %s", (text, address) => {
    const parsed = parseListen(text);
    expect(parsed === undefined ? undefined : formatAddress(parsed)).toBe(address);
  });

  it.each(["/run/app.sock (Stream)", "0.0.0.0:80 (Datagram)", "@abstract (Stream)", "", "[xyz]:1 (Stream)"])(
    "%j is no TCP address",
    (text) => expect(parseListen(text)).toBeUndefined(),
  );

  it("is that of active units alone", () => {
    const text = `Listen=[::]:4690 (Stream)
Listen=127.0.0.1:4691 (Stream)
Id=app.socket
ActiveState=active

Listen=[::]:22 (Stream)
Id=ssh.socket
ActiveState=inactive
`;
    expect([...parseSocketUnits(text)]).toEqual([
      ["app.socket", ["[::]:4690 (Stream)", "127.0.0.1:4691 (Stream)"]],
    ]);
    expect(parseSocketUnits("").size).toBe(0);
  });
});

describe("one listener and another", () => {
  it.each([
    ["127.0.0.1:80", "127.0.0.1:80", true],
    ["127.0.0.1:80", "0.0.0.0:80", true],
    ["127.0.0.1:80", "[::]:80", true],
    ["0.0.0.0:80", "[::]:80", true],
    ["[::1]:80", "[::]:80", true],
    // The kernel prefers the one that names the address.
    ["0.0.0.0:80", "127.0.0.1:80", false],
    ["[::]:80", "127.0.0.1:80", false],
    ["[::]:80", "0.0.0.0:80", false],
    ["[::1]:80", "127.0.0.1:80", false],
    ["10.0.0.5:80", "127.0.0.1:80", false],
    ["127.0.0.1:81", "127.0.0.1:80", false],
  ])("%s takes connections of %s: %s", (one, other, takes) => {
    expect(takesFrom(listener(one), listener(other))).toBe(takes);
  });

  it.each<[string, readonly string[], boolean]>([
    ["127.0.0.1:80", [], true],
    ["[::]:80", [], true],
    ["[::1]:80", [], true],
    // A proxy, or systemd-resolved, at an address that the app does not want.
    ["10.0.0.5:80", [], false],
    ["127.0.0.53:80", [], false],
    ["10.0.0.5:80", ["0.0.0.0:80"], true],
    ["[::1]:80", ["127.0.0.1:80"], false],
  ])("%s is in the way of a start that has %j: %s", (alien, own, blocks) => {
    expect(
      isInTheWay(
        listener(alien),
        own.map((one) => listener(one)),
      ),
    ).toBe(blocks);
  });
});

const isOwn = ({ inode }: Listener) => inode.startsWith("own");

const decide = (...listeners: Listener[]) => decidePort(80, listeners, isOwn);

describe("a port", () => {
  it("is the service's own, with as many listeners as it likes, and others elsewhere", () => {
    const own = [listener("127.0.0.1:80", "own1"), listener("127.0.0.1:80", "own2")];
    expect(decide(...own, listener("127.0.0.1:81", "x"), listener("10.0.0.5:80", "y"))).toEqual({
      kind: "own",
      own,
    });
  });

  it("is somebody else's", () => {
    const by = listener("127.0.0.1:80", "x");
    expect(decide(by, listener("127.0.0.1:81", "own"))).toEqual({ kind: "other", by, beside: undefined });
  });

  it("is shared with somebody who gets its connections", () => {
    const by = listener("0.0.0.0:80", "x", 1001);
    const beside = listener("0.0.0.0:80", "own", 1001);
    expect(decide(by, beside)).toEqual({ kind: "other", by, beside });
  });

  it("is nobody's, and the service is found elsewhere", () => {
    const own = listener("127.0.0.1:81", "own");
    expect(decide(own, listener("127.0.0.1:82", "x"))).toEqual({ kind: "none", elsewhere: [own] });
  });

  it.each<[readonly Address[], readonly string[]]>([
    [[listener("0.0.0.0:80")], ["127.0.0.1"]],
    [[listener("[::]:80")], ["[::1]", "127.0.0.1"]],
    [[listener("10.0.0.5:80")], ["10.0.0.5"]],
    [[listener("[2001:db8::1]:80")], ["[2001:db8::1]"]],
    [[listener("10.0.0.5:80"), listener("[::1]:80")], ["[::1]"]],
    [[listener("127.0.0.2:80"), listener("127.0.0.1:80")], ["127.0.0.1"]],
  ])("of %j is asked at %j", (own, hosts) => {
    const [first, ...rest] = own;
    if (first === undefined) throw new Error("no listener");
    expect(hostsToAsk([first, ...rest])).toEqual(hosts);
  });
});

describe("the unit of a process", () => {
  it.each([
    // Debian 11 in a container of version 1, a host with version 2 alone, a session, a user's own service.
    [
      "12:pids:/a.slice/b.service\n1:name=systemd:/system.slice/ledger.service\n0::/x.scope\n",
      "ledger.service",
    ],
    ["0::/system.slice/ledger.service/workers\n", "ledger.service"],
    ["0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"],
    ["0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n", "web.service"],
    ["0::/\n", undefined],
    ["", undefined],
  ])("in %j is %s", (text, unit) => expect(unitOf(text)).toBe(unit));
});

const told = (env: string, dropIns: Record<string, string> = {}) =>
  nextPort({ unit: 4690, dropIns: new Map(Object.entries(dropIns)), env });

describe("the port that a service will be told", () => {
  it.each([
    ["", 4690],
    ["#PORT=1\nSUPPORT=2\n", 4690],
    ["PORT=4691\n", 4691],
    ['PORT=1\n  PORT = "4692" \n', 4692],
    ["PORT='4693'", 4693],
    ["PORT=\n", undefined],
    ["PORT=99999999\n", undefined],
    ["PORT=http\n", undefined],
  ])("by the env file %j is %s", (env, port) => expect(told(env)).toBe(port));

  it("by drop-ins is that of the last, which the env file overrides", () => {
    const dropIns = {
      "20-b.conf": '[Service]\nEnvironment=HOME=/x "PORT=2"\n',
      "10-a.conf": "[Service]\nEnvironment=PORT=1\n",
    };
    expect(told("", dropIns)).toBe(2);
    expect(told("PORT=3", dropIns)).toBe(3);
  });
});
