/** Listeners and their processes, as this machine's own kernel tells of them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { readListeners, readSockets } from "../../../src/base/proc/index.ts";
import { findSocketProcess, readGroup, readUid } from "../../../src/service/health/sockets.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(host: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  server.listen(0, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("a listener of this process", () => {
  it("is found by its port, with its socket and its process", async () => {
    const port = await listen("127.0.0.1");
    const found = readListeners("self").find((listener) => listener.port === port);
    expect(found).toMatchObject({ host: "127.0.0.1", uid: process.getuid?.() });
    const inode = found?.inode ?? "";
    expect(readSockets(process.pid)).toContain(inode);
    expect(findSocketProcess(inode)).toBe(process.pid);
    expect(readUid(process.pid)).toBe(process.getuid?.());
  });

  it("is found among more of them than are read at a time", async () => {
    // A line has 150 bytes, and 65,536 are read at a time.
    const ports = await Promise.all(Array.from({ length: 900 }, () => listen("127.0.0.1")));
    const found = new Set(readListeners("self").map(({ port }) => port));
    expect(ports.filter((port) => !found.has(port))).toEqual([]);
  });
});

describe("what is not there", () => {
  it("has no sockets, no listeners and no user", async () => {
    const child = spawn("true");
    await once(child, "exit");
    const { pid = 0 } = child;
    expect(readSockets(pid)).toEqual(new Set());
    expect(readListeners(pid)).toEqual([]);
    expect(readUid(pid)).toBeUndefined();
    expect(findSocketProcess("0")).toBeUndefined();
  });

  it.each(["", "/", "/no.slice/such.service"])("the group %j has no processes", (group) => {
    expect(readGroup(group)).toEqual([]);
  });
});
