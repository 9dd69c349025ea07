import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { askAddress, askHealth } from "../../../src/service/health/client.ts";

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: Server, host = "127.0.0.1"): Promise<number> {
  servers.push(server);
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}
const serve = (listener: RequestListener, host?: string) => listen(createHttpServer(listener), host);
/** A port that nobody listens on: one that was just given back. */
async function freePort(): Promise<number> {
  const port = await listen(createServer());
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return port;
}

describe("an app that names its health path", () => {
  it.each([200, 204, 299])("is well when it answers %i", async (status) => {
    const paths: (string | undefined)[] = [];
    const port = await serve((request, answer) => {
      paths.push(request.url);
      answer.writeHead(status).end();
    });
    const asked = await askHealth({ port, path: "/health?deep=1" });
    expect(asked).toMatchObject({ healthy: true, status });
    expect(asked.why).toBe(`http://127.0.0.1:${port}/health?deep=1 answered ${status}`);
    expect(paths).toEqual(["/health?deep=1"]);
  });

  it.each([302, 404, 500, 503])(
    "is not well when it answers %i, and what it said is told",
    async (status) => {
      const port = await serve((_, answer) => {
        answer
          .writeHead(status, { location: "/elsewhere" })
          .end(`{"status":\n"database\u001b[31m locked"}${"x".repeat(999)}`);
      });
      const asked = await askHealth({ port, path: "/health" });
      expect(asked).toMatchObject({ healthy: false, status });
      expect(asked.why).toContain(`answered ${status}: {"status": "database [31m locked"}xxx`);
      expect(asked.why.length).toBeLessThan(300);
    },
  );

  it("is asked on this host, whatever its path looks like", async () => {
    const port = await serve((request, answer) => void answer.end(request.headers.host));
    const asked = await askHealth({ port, path: "//example.com/health" });
    expect(asked.why).toBe(`http://127.0.0.1:${port}//example.com/health answered 200`);
  });
});

describe("an app that names no path", () => {
  it.each([
    [404, true],
    [401, true],
    [500, false],
  ])("that answers %i: %s", async (status, healthy) => {
    const port = await serve((_, answer) => void answer.writeHead(status).end());
    expect(await askHealth({ port, path: undefined })).toMatchObject({ healthy, status });
  });
});

it("finds an app that listens on ::1 alone", async () => {
  const port = await serve((_, answer) => void answer.end("ok"), "::1");
  const asked = await askHealth({ port, path: "/" });
  expect(asked).toMatchObject({ healthy: true, why: `http://[::1]:${port}/ answered 200` });
});

describe("an app that does not answer", () => {
  it("because nobody listens", async () => {
    const port = await freePort();
    const asked = await askHealth({ port, path: "/health" });
    expect(asked).toMatchObject({ healthy: false, status: undefined });
    expect(asked.why).toBe(`http://127.0.0.1:${port}/health cannot be reached: nobody listens there`);
  });

  it("because it hangs up", async () => {
    const port = await listen(createServer((socket) => void socket.destroy()));
    const asked = await askHealth({ port, path: "/health" });
    expect(asked).toMatchObject({ healthy: false, status: undefined });
    expect(asked.why).toContain("closed the connection");
  });

  it("because it speaks something else", async () => {
    const port = await listen(createServer((socket) => void socket.end("220 mail.example ESMTP\r\n")));
    expect(await askHealth({ port, path: "/health" })).toMatchObject({ healthy: false, status: undefined });
  });

  it.each([
    ["says nothing", () => undefined],
    [
      "sends its answer byte by byte",
      (socket: Socket) => {
        socket.write("HTTP/1.1 200 OK\r\nx-drip: ");
        const timer = setInterval(() => socket.write("a"), 20);
        socket.once("close", () => clearInterval(timer));
      },
    ],
    [
      "never ends a refusal",
      (socket: Socket) => void socket.write("HTTP/1.1 500 x\r\ncontent-length: 9\r\n\r\nx"),
    ],
  ])("because it %s, is given up on", async (_, behave) => {
    const port = await listen(
      createServer((socket) => {
        socket.on("error", () => undefined);
        behave(socket);
      }),
    );
    const asked = await askHealth({ port, path: "/health", limit: 200 });
    expect(asked.healthy).toBe(false);
    expect(asked.milliseconds).toBeGreaterThanOrEqual(190);
  });
});

it("stops when it is told to", async () => {
  const stop = new AbortController();
  const port = await listen(createServer(() => stop.abort(new Error("stopped"))));
  await expect(askHealth({ port, path: "/", signal: stop.signal })).rejects.toThrow(/abort|stopped/i);
});

it("does not repeat a password", async () => {
  const port = await serve(
    (request, answer) => void answer.writeHead(500).end(request.headers.authorization),
  );
  const asked = await askAddress({ address: new URL(`http://me:secret@127.0.0.1:${port}/`) });
  expect(asked.why).toContain(`Basic ${Buffer.from("me:secret").toString("base64")}`.slice(0, 5));
  expect(asked.why).toContain("//***@127.0.0.1");
  expect(asked.why).not.toContain("secret");
});
