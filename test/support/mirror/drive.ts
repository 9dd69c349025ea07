/**
 * Runs fetches as one runtime does them. In vitest it is called directly (Node); as a program it takes a job a line on
 * standard input and answers each with a line, so that the same cases run under Bun in one process.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { GantryError, type Finding } from "../../../src/base/errors.ts";
import { fetchBundle, fetchSignature } from "../../../src/mirror/fetch.ts";
import type { Limits } from "../../../src/mirror/http/request.ts";
import { parseBundleHead } from "../../../src/release/bundle-head.ts";

export interface Job {
  readonly do: "bundle" | "signature";
  readonly address: string;
  readonly target?: string;
  readonly expected: { readonly size: number; readonly sha256: string };
  readonly into: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: Limits;
  /** The version that the head check wants. */
  readonly version?: string;
  /** Aborts once so many bytes have arrived. */
  readonly abortAt?: number;
}

export interface Outcome {
  readonly findings?: readonly Finding[];
  /** Anything thrown that is no GantryError. */
  readonly thrown?: string;
  readonly signature?: string | undefined;
  /** base64 of what was written, when it is small; its length otherwise. */
  readonly written?: string | number;
  /** Everything that was reported, one line each. */
  readonly said: readonly string[];
  /** Milliseconds between the abort and the end. */
  readonly stoppedAfter?: number;
  /** Bytes by which the resident memory grew at its peak. */
  readonly grown: number;
}

export async function drive(job: Job): Promise<Outcome> {
  const said: string[] = [];
  const stop = new AbortController();
  const before = process.memoryUsage.rss();
  let aborted = 0;
  let most = before;
  const reporter = {
    progress: (progress: { readonly bytes: number; readonly total: number; readonly current: string }) => {
      said.push(JSON.stringify(progress));
      if (said.length % 16 === 0) most = Math.max(most, process.memoryUsage.rss());
      if (job.abortAt === undefined || progress.bytes < job.abortAt || aborted !== 0) return;
      aborted = performance.now();
      stop.abort(new Error("stopped by SIGTERM"));
    },
    debug: (text: string) => said.push(text),
  };
  const checkHead = (start: Uint8Array) => {
    if (job.version === undefined) return;
    const found = parseBundleHead(start)?.version;
    if (found !== job.version) {
      throw new GantryError({ code: "DIGEST_MISMATCH", what: `it is the bundle of ${found ?? "nothing"}` });
    }
  };
  const target = job.target ?? "linux-x64-gnu";
  const options = { ...job, target, reporter, signal: stop.signal, checkHead };
  let result: Partial<Outcome>;
  try {
    if (job.do === "signature") result = { signature: await fetchSignature(options) };
    else {
      await fetchBundle(options);
      result = {};
    }
  } catch (error) {
    result = error instanceof GantryError ? { findings: error.findings } : { thrown: String(error) };
  }
  const stopped = aborted === 0 ? {} : { stoppedAfter: performance.now() - aborted };
  return { ...result, ...readWritten(job.into), said, ...stopped, grown: most - before };
}

function readWritten(path: string): Pick<Outcome, "written"> {
  if (!existsSync(path)) return {};
  const { size } = statSync(path);
  return { written: size < 1e6 ? readFileSync(path, "base64") : size };
}

if (process.argv[1] === import.meta.filename) {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await drive(JSON.parse(line) as Job)));
  }
}
