/** What the tests of fetching share: a bundle's bytes, servers, and a runtime to fetch with; each case runs under both. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { withBundleHead } from "../../../src/release/bundle-head.ts";
import type { Job, Outcome } from "./drive.ts";
import { startBun, startNode, type Runtime } from "./runtimes.ts";
import {
  readAuthority,
  startProxy,
  startServer,
  type Authority,
  type Certificate,
  type Handler,
  type TestServer,
} from "./servers.ts";

/** Stands for every password and token; no outcome may show it. */
export const SECRET = "s3cr3t-pa55";

/** Bytes that look like a bundle from outside: head and noise. Its length is no multiple of anything. */
export function bundleOf(version: string, target = "linux-x64-gnu", size = 300_001): Buffer {
  const noise = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), randomBytes(size)]);
  const identity = { schema: 1, name: "brain", version, target, tree: "0".repeat(64) } as const;
  return Buffer.from(withBundleHead(identity, "zst", noise));
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export const BUNDLE = bundleOf("1.0.0");
export const EXPECTED = { size: BUNDLE.length, sha256: sha256(BUNDLE) };

/** Short waits between tries, long ones for a machine that is busy with something else. */
export const LIMITS = { response: 20_000, idle: 20_000, retries: 3, delay: 1, patience: 2000 };

/** Sends the bundle, or the rest of it, as servers do that know ranges. */
export const sendBundle: Handler = (request, answer) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  answer.setHeader("etag", '"one"');
  if (from === 0 || request.headers["if-range"] !== '"one"') {
    answer.writeHead(200, { "content-length": BUNDLE.length }).end(BUNDLE);
    return;
  }
  const range = `bytes ${from}-${BUNDLE.length - 1}/${BUNDLE.length}`;
  answer.writeHead(206, { "content-length": BUNDLE.length - from, "content-range": range });
  answer.end(BUNDLE.subarray(from));
};

export interface Bench {
  readonly work: string;
  readonly authority: Authority;
  /** For localhost, mirror.test and 127.0.0.1, by that authority. */
  readonly certificate: Certificate;
  readonly serve: (handler: Handler, secure?: Certificate) => Promise<TestServer>;
  readonly proxy: (login?: string) => Promise<TestServer>;
  /** Fetches to `bundle` in the work directory; the caller's environment is all there is but HOME. */
  readonly run: (address: string, more?: Partial<Job>) => Promise<Outcome>;
  readonly clear: () => void;
}

/** Runs the cases once under Node and once under Bun. */
export function describeBoth(subject: string, cases: (bench: Bench) => void): void {
  describe.each([
    ["Node", startNode],
    ["Bun", startBun],
  ] as const)(`${subject} under %s`, (_name, start) => {
    const open: { close: () => unknown }[] = [];
    const keep = async <T extends { close: () => unknown }>(starting: Promise<T>) => {
      const server = await starting;
      open.push(server);
      return server;
    };
    const work = mkdtempSync(join(tmpdir(), "gantry-mirror-"));
    const authority = readAuthority();
    const clear = () => rmSync(join(work, "bundle"), { force: true });
    let runtime: Runtime;
    beforeAll(() => {
      runtime = start();
    });
    afterEach(async () => {
      for (const one of open.splice(0)) await one.close();
      clear();
    });
    afterAll(() => {
      runtime.close();
      rmSync(work, { recursive: true, force: true });
    });
    const run = async (address: string, more: Partial<Job> = {}) => {
      const outcome = await runtime.run({
        do: "bundle",
        address,
        expected: EXPECTED,
        into: join(work, "bundle"),
        limits: LIMITS,
        version: "1.0.0",
        ...more,
        environment: { HOME: work, ...more.environment },
      });
      expect(JSON.stringify(outcome)).not.toContain(SECRET);
      expect(JSON.stringify(outcome)).not.toContain(
        Buffer.from(`:${SECRET}`).toString("base64").slice(4, 12),
      );
      return outcome;
    };
    cases({
      work,
      authority,
      certificate: authority.server,
      serve: (handler, secure) => keep(startServer(handler, secure)),
      proxy: (login) => keep(startProxy(login)),
      run,
      clear,
    });
  });
}

export function expectBundle(outcome: Outcome): void {
  expect(outcome).not.toHaveProperty("findings");
  expect(outcome).not.toHaveProperty("thrown");
  expect(Buffer.from(String(outcome.written), "base64").equals(BUNDLE)).toBe(true);
}

export function expectFinding(outcome: Outcome, code: string, what: RegExp) {
  expect(outcome.findings?.[0]?.code).toBe(code);
  expect(outcome.findings?.[0]?.what).toMatch(what);
  expect(outcome).not.toHaveProperty("written");
  return outcome.findings?.[0];
}
