/** Real servers on loopback: a mirror that can be told to misbehave, a CONNECT proxy, and certificates for them. */
import { readFileSync } from "node:fs";
import {
  createServer,
  request as requestHttp,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

export interface TestServer {
  readonly port: number;
  readonly seen: Seen[];
  readonly close: () => Promise<void>;
}

export type Handler = (request: IncomingMessage, answer: ServerResponse, count: number) => void;

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** @param certificate serves https when given */
export async function startServer(handler: Handler, certificate?: Certificate): Promise<TestServer> {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, answer) => {
    seen.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers });
    const count = seen.filter(({ path }) => path === request.url).length;
    handler(request, answer, count);
  };
  const server =
    certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener);
  return { ...(await listen(server)), seen };
}

/**
 * A proxy that sends every name to this machine.
 * @param login `user:password` that it wants
 */
export async function startProxy(login?: string): Promise<TestServer> {
  const seen: Seen[] = [];
  const wanted = login === undefined ? undefined : `Basic ${Buffer.from(login).toString("base64")}`;
  const refuses = (request: IncomingMessage) => {
    seen.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers });
    return wanted !== undefined && request.headers["proxy-authorization"] !== wanted;
  };
  const server = createServer((request, answer) => {
    if (refuses(request)) {
      answer.writeHead(407, { "proxy-authenticate": "Basic" }).end();
      return;
    }
    const { port, pathname } = new URL(request.url ?? "");
    const { host, range } = request.headers;
    const headers = { host, ...(range === undefined ? {} : { range }) };
    requestHttp({ host: "127.0.0.1", port, path: pathname, headers }, (onward) => {
      answer.writeHead(onward.statusCode ?? 502, onward.headers);
      onward.pipe(answer);
    }).end();
  });
  server.on("connect", (request, socket: Socket) => {
    socket.on("error", () => undefined);
    if (refuses(request)) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    const onward = connect(Number(request.url?.split(":")[1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("close", () => onward.destroy());
  });
  return { ...(await listen(server)), seen };
}

async function listen(server: Server) {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { port: (server.address() as AddressInfo).port, close };
}

/** A port at which nothing listens. */
export async function unusedPort(): Promise<number> {
  const server = await startServer(() => undefined);
  await server.close();
  return server.port;
}

export interface Authority {
  /** Path of its certificate. */
  readonly file: string;
  /** For localhost, mirror.test and 127.0.0.1. */
  readonly server: Certificate;
  readonly expired: Certificate;
  /** For another name. */
  readonly elsewhere: Certificate;
}

const place = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/certificates/${name}`, import.meta.url));

/** The authority of test/fixtures/certificates and what it signed. */
export function readAuthority(): Authority {
  const key = readFileSync(place("server.key"), "utf8");
  const certificate = (name: string): Certificate => ({ key, cert: readFileSync(place(name), "utf8") });
  return {
    file: place("ca.crt"),
    server: certificate("server.crt"),
    expired: certificate("expired.crt"),
    elsewhere: certificate("elsewhere.crt"),
  };
}
