import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { expect, it } from "vitest";
import {
  BUNDLE,
  bundleOf,
  describeBoth,
  EXPECTED,
  expectBundle,
  expectFinding,
  LIMITS,
  SECRET,
  sendBundle,
  sha256,
} from "../../support/mirror/bench.ts";
import { unusedPort } from "../../support/mirror/servers.ts";

const OTHER = bundleOf("2.0.0");
const ALTERED = Buffer.from(BUNDLE);
ALTERED[200_000] = (ALTERED[200_000] ?? 0) ^ 1;

/** Says that everything comes, sends a part, and hangs up once that has left. */
function hangUp(bytes: Buffer, part: number, answer: ServerResponse, headers: Record<string, string>) {
  answer.writeHead(200, { "content-length": bytes.length, ...headers });
  answer.write(bytes.subarray(0, part), () => setTimeout(() => answer.destroy(), 30));
}

describeBoth("fetching a bundle", (bench) => {
  it("takes a file whole, and says how far it is", async () => {
    const server = await bench.serve(sendBundle);
    const outcome = await bench.run(`http://127.0.0.1:${server.port}/some/brain.tar.zst`);
    expectBundle(outcome);
    expect(JSON.parse(outcome.said.at(-1) ?? "")).toEqual({
      bytes: BUNDLE.length,
      total: BUNDLE.length,
      current: "brain.tar.zst",
    });
    expect(server.seen.map(({ headers }) => headers["accept-encoding"])).toEqual(["identity"]);
  });

  it("takes it as it is from a server that calls it gzip-encoded", async () => {
    const server = await bench.serve((_, answer) => {
      answer.writeHead(200, { "content-encoding": "gzip" }).end(BUNDLE);
    });
    expectBundle(await bench.run(`http://127.0.0.1:${server.port}/b`));
  });

  it("goes on where the connection broke", async () => {
    const server = await bench.serve((request, answer, count) => {
      if (count === 1) hangUp(BUNDLE, 100_000, answer, { etag: '"one"' });
      else sendBundle(request, answer, count);
    });
    expectBundle(await bench.run(`http://127.0.0.1:${server.port}/b`));
    expect(server.seen.map(({ headers }) => [headers["range"], headers["if-range"]])).toEqual([
      [undefined, undefined],
      ["bytes=100000-", '"one"'],
    ]);
  });

  it("goes on by date where there is no entity tag, and not by a weak one", async () => {
    const dated = { "last-modified": "Mon, 02 Nov 2020 10:00:00 GMT" };
    const server = await bench.serve((request, answer, count) => {
      if (count === 1) hangUp(BUNDLE, 100_000, answer, request.url === "/weak" ? { etag: 'W/"1"' } : dated);
      else if (request.headers["if-range"] === undefined) answer.end(BUNDLE);
      else {
        const rest = `bytes 100000-${BUNDLE.length - 1}/${BUNDLE.length}`;
        answer.writeHead(206, { "content-range": rest }).end(BUNDLE.subarray(100_000));
      }
    });
    expectBundle(await bench.run(`http://127.0.0.1:${server.port}/dated`));
    bench.clear();
    expectBundle(await bench.run(`http://127.0.0.1:${server.port}/weak`));
    expect(server.seen.map(({ headers }) => headers["if-range"])).toEqual([
      undefined,
      dated["last-modified"],
      undefined,
      undefined,
    ]);
  });

  it("starts anew when the file changed, when ranges are ignored, refused or wrong", async () => {
    const server = await bench.serve((request, answer, count) => {
      const etag = { etag: '"one"' };
      if (count === 1) hangUp(request.url === "/changed" ? OTHER : BUNDLE, 100_000, answer, etag);
      else if (request.headers["range"] === undefined) answer.end(BUNDLE);
      else if (request.url === "/416") answer.writeHead(416).end();
      else if (request.url === "/wrong") {
        answer.writeHead(206, { "content-range": `bytes 5-9/${BUNDLE.length}` }).end("hello");
      } else answer.end(BUNDLE);
    });
    for (const path of ["changed", "ignored", "416", "wrong"]) {
      const more = path === "changed" ? { version: undefined as never } : {};
      expectBundle(await bench.run(`http://127.0.0.1:${server.port}/${path}`, more));
      bench.clear();
    }
  });

  it.each([408, 425, 429, 500, 503])("tries again after %i", async (status) => {
    const server = await bench.serve((request, answer, count) => {
      if (count > 1) sendBundle(request, answer, count);
      else answer.writeHead(status).end();
    });
    expectBundle(await bench.run(`http://127.0.0.1:${server.port}/b`));
    expect(server.seen).toHaveLength(2);
  });

  it("tries again no sooner than it is asked to", async () => {
    const times: number[] = [];
    const server = await bench.serve((request, answer, count) => {
      times.push(performance.now());
      if (count > 1) sendBundle(request, answer, count);
      else answer.writeHead(429, { "retry-after": "1" }).end();
    });
    expectBundle(await bench.run(`http://127.0.0.1:${server.port}/b`));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
  });

  it("gives up after its tries, and does not wait for hours", async () => {
    const server = await bench.serve((request, answer) => {
      answer.writeHead(503, request.url === "/hours" ? { "retry-after": "7200" } : {}).end();
    });
    const what = /^127\.0\.0\.1:\d+ answered 503$/;
    expectFinding(await bench.run(`http://127.0.0.1:${server.port}/b`), "NETWORK_FAILED", what);
    expect(server.seen).toHaveLength(1 + LIMITS.retries);
    expectFinding(await bench.run(`http://127.0.0.1:${server.port}/hours`), "NETWORK_FAILED", what);
    expect(server.seen).toHaveLength(2 + LIMITS.retries);
  });

  it("refuses other bytes, with both digests", async () => {
    const server = await bench.serve((_, answer) => answer.end(ALTERED));
    const finding = expectFinding(
      await bench.run(`http://127.0.0.1:${server.port}/b`),
      "DIGEST_MISMATCH",
      /is not the one that the release was built with/,
    );
    expect(finding?.detail).toEqual([
      `expected sha256:${EXPECTED.sha256}`,
      `found    sha256:${sha256(ALTERED)}`,
    ]);
  });

  it("names the wrong release before it fetches the rest of it", async () => {
    const size = 40_000_000;
    let sent = 0;
    const server = await bench.serve((_, answer) => {
      answer.writeHead(200, { "content-length": size }).write(OTHER);
      const more = () => {
        for (; sent < size - OTHER.length; sent += 50_000) {
          if (!answer.write(Buffer.alloc(50_000))) return void answer.once("drain", more);
        }
      };
      more();
    });
    const outcome = await bench.run(`http://127.0.0.1:${server.port}/b`);
    expectFinding(outcome, "DIGEST_MISMATCH", /^it is the bundle of 2\.0\.0$/);
    expect(sent).toBeLessThan(size / 2);
  });

  it("stops at more bytes than there may be, and does not take fewer for a whole", async () => {
    const server = await bench.serve((request, answer) => {
      if (request.url === "/endless") {
        answer.write(BUNDLE);
        const more = () => {
          while (!answer.destroyed && answer.write(Buffer.alloc(60_000)));
          answer.once("drain", more);
        };
        more();
      } else answer.end(BUNDLE.subarray(0, request.url === "/tiny" ? 700 : 200_000));
    });
    const address = `http://127.0.0.1:${server.port}`;
    expectFinding(await bench.run(`${address}/endless`), "DIGEST_MISMATCH", /has more than \d+ bytes where/);
    expectFinding(await bench.run(`${address}/short`), "DIGEST_MISMATCH", /has 200000 bytes where/);
    expectFinding(await bench.run(`${address}/tiny`), "DIGEST_MISMATCH", /has 700 bytes where/);
  });

  it("knows a web page when it gets one", async () => {
    const server = await bench.serve((_, answer) => {
      answer.setHeader("content-type", "text/html; charset=utf-8").end("<h1>Welcome to the hotel</h1>");
    });
    const outcome = await bench.run(`http://127.0.0.1:${server.port}/b`);
    expectFinding(outcome, "BUNDLE_MISSING", /answered with a web page instead of a bundle/);
  });

  it.each([
    [401, "PERMISSION_DENIED", /wants credentials/],
    [403, "PERMISSION_DENIED", /does not allow/],
    [404, "BUNDLE_MISSING", /has no such bundle \(404\)/],
    [418, "NETWORK_FAILED", /answered 418/],
  ])("says what %i means, at once", async (status, code, what) => {
    const server = await bench.serve((_, answer) => answer.writeHead(status).end());
    expectFinding(await bench.run(`http://127.0.0.1:${server.port}/b?sig=${SECRET}`), code, what);
    expect(server.seen).toHaveLength(1);
  });

  it("tells refused, unknown and silent servers apart", async () => {
    const port = await unusedPort();
    const refused = await bench.run(`http://127.0.0.1:${port}/b`);
    expectFinding(refused, "NETWORK_FAILED", /^127\.0\.0\.1:\d+ refuses connections$/);
    const unknown = await bench.run("http://no-such-host.invalid/b");
    expectFinding(unknown, "NETWORK_FAILED", /^the name of no-such-host\.invalid cannot be resolved$/);
    const server = await bench.serve((request, answer) => {
      if (request.url === "/stalls") answer.writeHead(200, { "content-length": 5000 }).write("hello");
    });
    const short = { limits: { ...LIMITS, retries: 0, response: 300, idle: 300 } };
    const silent = await bench.run(`http://127.0.0.1:${server.port}/silent`, short);
    expectFinding(silent, "NETWORK_FAILED", /did not answer within 1 s$/);
    const stalls = await bench.run(`http://127.0.0.1:${server.port}/stalls`, short);
    expectFinding(stalls, "NETWORK_FAILED", /sent nothing for 1 s$/);
  });

  it("stops within a second when it is told to, and leaves nothing", async () => {
    const server = await bench.serve((_, answer) => {
      answer.writeHead(200, { "content-length": BUNDLE.length }).write(BUNDLE.subarray(0, 100_000));
    });
    const outcome = await bench.run(`http://127.0.0.1:${server.port}/b`, { abortAt: 50_000 });
    expect(outcome.thrown).toBe("Error: stopped by SIGTERM");
    expect(outcome.stoppedAfter).toBeLessThan(1000);
    expect(readdirSync(bench.work)).not.toContain("bundle");
  });

  it("reads the signature beside it, and knows when there is none", async () => {
    const text = "untrusted comment: signature\nRUQ=\ntrusted comment: x\nAAAA\n";
    const server = await bench.serve((request, answer) => {
      if (request.url === "/b.tar.zst.minisig?v=1") answer.end(text);
      else if (request.url?.startsWith("/page") === true) answer.end("<html>");
      else answer.writeHead(404).end();
    });
    const address = `http://127.0.0.1:${server.port}`;
    const signature = { do: "signature" } as const;
    expect((await bench.run(`${address}/b.tar.zst?v=1`, signature)).signature).toBe(text);
    expect(await bench.run(`${address}/page`, signature)).not.toHaveProperty("signature");
    expect(await bench.run(`${address}/none`, signature)).not.toHaveProperty("signature");
    expect(await bench.run(`${address}/none`, signature)).not.toHaveProperty("findings");
  });

  it("keeps its memory flat", async () => {
    const size = 128_000_000;
    const piece = Buffer.alloc(64_000, 7);
    const server = await bench.serve((_, answer) => {
      answer.writeHead(200, { "content-length": size });
      let sent = 0;
      const more = () => {
        for (; sent < size;) {
          sent += piece.length;
          if (!answer.write(piece)) return void answer.once("drain", more);
        }
        answer.end();
      };
      more();
    });
    const hash = createHash("sha256");
    for (let at = 0; at < size; at += piece.length) hash.update(piece);
    const outcome = await bench.run(`http://127.0.0.1:${server.port}/b`, {
      expected: { size, sha256: hash.digest("hex") },
      version: undefined as never,
    });
    expect(outcome.written).toBe(size);
    expect(outcome.grown).toBeLessThan(0.7 * size);
  });
});
