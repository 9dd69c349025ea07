/**
 * The two things that the sample app wants of Bun, for running it under Node: Bun.serve with its routes, over
 * node:http, and Bun.stdin.text(). Bundled in front of the app; sets the global and nothing else. Bun.serve knows its
 * port at once and Node only later, so this listens beforehand, on a free port of 127.0.0.1: it refuses any other.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

type RouteRequest = Request & { params: Record<string, string> };
type Handler = (request: RouteRequest) => Promise<Response>;
interface ServeOptions {
  readonly hostname: string;
  readonly port: number;
  readonly maxRequestBodySize: number;
  /** Patterns such as `/notes/:id`, with a handler for each method. */
  readonly routes: Readonly<Record<string, Readonly<Record<string, Handler>>>>;
  readonly fetch: Handler;
}

const server = createServer();
server.listen(0, "127.0.0.1");
await once(server, "listening");
// The commands that serve nothing end by themselves.
server.unref();

function serve(options: ServeOptions) {
  if (options.port !== 0 || options.hostname !== "127.0.0.1") throw new Error("only 127.0.0.1, port 0");
  server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    answer(options, incoming, outgoing).catch((error: unknown) => outgoing.destroy(Object(error) as Error));
  });
  server.ref();
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(
  options: ServeOptions,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const response = await route(options, incoming);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

async function route(options: ServeOptions, incoming: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (body.length > options.maxRequestBodySize) return new Response(null, { status: 413 });
  const { method = "GET", headers, url = "/" } = incoming;
  const request = new Request(`http://${options.hostname}${url}`, {
    method,
    headers: Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]),
    ...(body.length > 0 ? { body } : {}),
  });
  for (const [pattern, handlers] of Object.entries(options.routes)) {
    const params = matchRoute(pattern, new URL(request.url).pathname);
    const handle = handlers[method];
    if (params !== undefined && handle !== undefined) return handle(Object.assign(request, { params }));
  }
  return options.fetch(Object.assign(request, { params: {} }));
}

function matchRoute(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  const matches = wanted.every((part, index) => part.startsWith(":") || part === given[index]);
  if (!matches || wanted.length !== given.length) return undefined;
  const named = wanted.flatMap((part, index) =>
    part.startsWith(":") ? [[part.slice(1), given[index] ?? ""] as const] : [],
  );
  return Object.fromEntries(named);
}

Object.assign(globalThis, { Bun: { serve, stdin: { text: () => text(process.stdin) } } });
