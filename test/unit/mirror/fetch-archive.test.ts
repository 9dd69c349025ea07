import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { GantryError } from "../../../src/base/errors.ts";
import { fetchArchive } from "../../../src/mirror/fetch-archive.ts";
import { LIMITS } from "../../support/mirror/bench.ts";
import { startServer, type Handler, type TestServer } from "../../support/mirror/servers.ts";

const BYTES = Buffer.alloc(300_000, "archive");
let into = "";
let server: TestServer | undefined;
beforeEach(() => {
  into = join(mkdtempSync(join(tmpdir(), "gantry-archive-")), "file");
});
afterEach(async () => {
  await server?.close();
  rmSync(join(into, ".."), { recursive: true, force: true });
});

async function fetchFrom(handler: Handler, most = 1_000_000): Promise<void> {
  server = await startServer(handler);
  await fetchArchive({
    address: `http://127.0.0.1:${server.port}/app.tar.gz`,
    into,
    most,
    environment: {},
    reporter: { progress: () => undefined, debug: () => undefined },
    signal: new AbortController().signal,
    limits: LIMITS,
  });
}

it("takes a file of which nothing is known", async () => {
  await fetchFrom((_, answer) => answer.end(BYTES));
  expect(readFileSync(into)).toEqual(BYTES);
});

it("goes on where the connection broke, without a byte twice", async () => {
  await fetchFrom((request, answer, count) => {
    if (count === 1) {
      answer.writeHead(200, { "content-length": BYTES.length, etag: '"one"' });
      answer.write(BYTES.subarray(0, 100_000), () => setTimeout(() => answer.destroy(), 30));
      return;
    }
    const from = Number(/bytes=(\d+)-/.exec(request.headers["range"] ?? "")?.[1] ?? 0);
    const range = `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`;
    answer.writeHead(206, { "content-range": range, etag: '"one"' }).end(BYTES.subarray(from));
  });
  expect(readFileSync(into)).toEqual(BYTES);
});

it.each<[string, Handler, number, string]>([
  ["stops at the bound", (_, answer) => answer.end(BYTES), 200_000, "ARCHIVE_UNSAFE"],
  ["says that there is none", (_, answer) => answer.writeHead(404).end(), 1_000_000, "BUNDLE_MISSING"],
  [
    "takes no web page for an archive",
    (_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end("<p>"),
    1_000_000,
    "BUNDLE_MISSING",
  ],
])("%s, and leaves nothing", async (_, handler, most, code) => {
  const error: unknown = await fetchFrom(handler, most).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GantryError);
  expect((error as GantryError).findings[0].code).toBe(code);
  expect(existsSync(into)).toBe(false);
});
