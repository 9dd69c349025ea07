/**
 * A libsql server on loopback, small but real: real SQL behind Hrana over HTTP and over WebSocket, and a primary that
 * replicas sync from. Refuses every request without the token. Keeps a list of what was asked, for tests to look at.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { answerHrana, answerStored, hranaFailure, type HranaRequest, type StoredSql } from "./hrana.ts";
import { openPrimary, type Connection, type Primary } from "./primary.ts";
import { openReplication, type Replication } from "./replication.ts";

export interface LibsqlServer {
  /** host:port, for http:// and ws:// */
  readonly authority: string;
  readonly token: string;
  /** `POST /v2/pipeline`, `ws hrana2 execute`, …, in the order of their coming. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

/** What is used of the ws package. */
interface Socket {
  readonly protocol: string;
  send(text: string): void;
  terminate(): void;
  on(event: "message", listener: (data: Buffer) => void): void;
  on(event: "close", listener: () => void): void;
}
interface SocketServer {
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    accept: (socket: Socket) => void,
  ): void;
}
interface WsPackage {
  readonly WebSocketServer: new (options: {
    noServer: true;
    handleProtocols: (offered: Set<string>) => string | false;
  }) => SocketServer;
}

interface HranaStream {
  readonly connection: Connection;
  readonly stored: StoredSql;
}

/** Serves the database `file`, made anew, with the libsql and the ws of `modules`, a node_modules directory. */
export async function startLibsqlServer(modules: string, file: string): Promise<LibsqlServer> {
  const primary = openPrimary(modules, file);
  const replication = openReplication(primary);
  const token = randomUUID();
  const requests: string[] = [];
  const streams = new Map<string, HranaStream>();
  const sockets = new Set<Socket>();

  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    readBody(request)
      .then((body) => answerRequest({ primary, replication, streams, token }, request, body, response))
      .catch((error: unknown) =>
        response.writeHead(500, { "content-type": "text/plain" }).end(String(error)),
      );
  });
  const { WebSocketServer } = createRequire(join(modules, "from-here.js"))("ws") as WsPackage;
  const upgrades = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => offered.has("hrana2") && "hrana2",
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    upgrades.handleUpgrade(request, socket, head, (accepted) => {
      sockets.add(accepted);
      accepted.on("close", () => sockets.delete(accepted));
      serveSocket(accepted, primary, token, requests);
    }),
  );
  // Never closes a connection that a slow client is about to use again: whoever loses that race fails.
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    authority: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    requests,
    async stop() {
      for (const socket of sockets) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const { connection } of streams.values()) connection.close();
      replication.close();
      primary.close();
    },
  };
}

interface Parts {
  readonly primary: Primary;
  readonly replication: Replication;
  readonly streams: Map<string, HranaStream>;
  readonly token: string;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function answerRequest(parts: Parts, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const { url = "", headers } = request;
  const session = headers["x-session-token"];
  if ((headers.authorization ?? headers["x-authorization"]) !== `Bearer ${parts.token}`) {
    response.writeHead(401, { "content-type": "text/plain" }).end("not with this token");
    return;
  }
  const call = parts.replication.answer(url, typeof session === "string" ? session : undefined, body);
  if (call !== undefined) {
    response.writeHead(200, { "content-type": "application/grpc-web+proto" }).end(call);
  } else if (url === "/v2/pipeline") {
    const answer = answerPipeline(parts, JSON.parse(body.toString()) as PipelineRequest);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  } else {
    // Also to /sync/…, by which a replica finds out whether it may use the newer protocol.
    response.writeHead(404).end();
  }
}

interface PipelineRequest {
  readonly baton?: string;
  readonly requests: readonly HranaRequest[];
}

/** A stream outlives its request by a baton, which is good for one use. */
function answerPipeline({ primary, streams }: Parts, { baton, requests }: PipelineRequest): object {
  const stream = streams.get(baton ?? "") ?? { connection: primary.connect(), stored: new Map() };
  if (baton !== undefined && !streams.delete(baton)) throw new Error(`no stream has the baton ${baton}`);
  let open = true;
  const results = requests.map((request) => {
    try {
      if (request.type === "close") {
        stream.connection.close();
        open = false;
        return { type: "ok", response: { type: "close" } };
      }
      const response =
        answerStored(stream.stored, request) ?? answerHrana(stream.connection, stream.stored, request);
      return { type: "ok", response };
    } catch (error) {
      return { type: "error", error: hranaFailure(error) };
    }
  });
  if (!open) return { baton: null, base_url: null, results };
  const next = randomUUID();
  streams.set(next, stream);
  return { baton: next, base_url: null, results };
}

interface SocketMessage {
  readonly type: string;
  readonly jwt?: string;
  readonly request_id?: number;
  readonly request?: HranaRequest & { readonly stream_id?: number };
}

function serveSocket(socket: Socket, primary: Primary, token: string, requests: string[]): void {
  const connections = new Map<number, Connection>();
  const stored: StoredSql = new Map();
  const answer = (request: NonNullable<SocketMessage["request"]>): object => {
    const { type, stream_id: id = -1 } = request;
    if (type === "open_stream") connections.set(id, primary.connect());
    if (type === "close_stream") {
      connections.get(id)?.close();
      connections.delete(id);
    }
    if (type.endsWith("_stream")) return { type };
    const connection = connections.get(id);
    if (connection !== undefined) return answerHrana(connection, stored, request);
    // The texts are the socket's: their requests name no stream.
    const answered = answerStored(stored, request);
    if (answered === undefined) throw new Error(`no stream ${id}`);
    return answered;
  };
  socket.on("message", (data) => {
    const { type, jwt, request_id, request } = JSON.parse(data.toString()) as SocketMessage;
    requests.push(`ws ${socket.protocol} ${request?.type ?? type}`);
    if (type === "hello") {
      const known = jwt === token;
      const error = { message: "not with this token", code: "AUTH_JWT_INVALID" };
      socket.send(JSON.stringify(known ? { type: "hello_ok" } : { type: "hello_error", error }));
      if (!known) socket.terminate();
    } else if (request !== undefined) {
      let reply: object;
      try {
        reply = { type: "response_ok", request_id, response: answer(request) };
      } catch (error) {
        reply = { type: "response_error", request_id, error: hranaFailure(error) };
      }
      socket.send(JSON.stringify(reply));
    }
  });
  socket.on("close", () => {
    for (const connection of connections.values()) connection.close();
  });
}
