/**
 * The sink of a download: it writes the file, hashes it, and passes its first bytes to a check. It writes each piece as
 * it arrives, keeps at most one in memory, and never writes more bytes than the manifest names.
 */
import { GantryError } from "../../base/errors.ts";
import type { RedactedUrl } from "../../base/redact.ts";
import { BUNDLE_HEAD_BYTES, startEntry } from "../../release/index.ts";
import { openFile } from "./file.ts";

export interface Expected {
  readonly size: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

export interface SinkOptions {
  readonly into: string;
  readonly expected: Expected;
  readonly checkHead: (start: Uint8Array) => void;
  /** Where it comes from, for messages. */
  readonly source: RedactedUrl;
}

export type Sink = ReturnType<typeof openSink>;

/** Opens the sink; its file must not exist yet. */
export function openSink(options: SinkOptions) {
  const { expected, source } = options;
  const { bytes, append, empty, close, remove } = openFile(options.into);
  let entry = startEntry();
  let head = Buffer.alloc(0);
  const check = () => options.checkHead(head);
  return {
    bytes,
    /** Whether all bytes of the head have been written. */
    passed: () => bytes() >= Math.min(BUNDLE_HEAD_BYTES, expected.size),
    write: (chunk: Uint8Array) => {
      if (head.length < BUNDLE_HEAD_BYTES) {
        head = Buffer.concat([head, chunk.subarray(0, BUNDLE_HEAD_BYTES - head.length)]);
        if (head.length === BUNDLE_HEAD_BYTES) check();
      }
      if (bytes() + chunk.length > expected.size) {
        if (head.length < BUNDLE_HEAD_BYTES) check();
        throw sizeMismatch(`more than ${expected.size}`, expected, source);
      }
      append(chunk);
      entry.update(chunk);
    },
    restart: () => {
      empty();
      entry = startEntry();
      head = Buffer.alloc(0);
    },
    /** @throws GantryError DIGEST_MISMATCH unless exactly the expected bytes were written */
    finish: () => {
      if (head.length < BUNDLE_HEAD_BYTES) check();
      const [size, found] = entry.finish();
      if (size !== expected.size) throw sizeMismatch(String(size), expected, source);
      if (found !== expected.sha256) throw digestMismatch(found, expected, source);
    },
    close,
    remove,
  };
}

const FIX = "copy the bundle that belongs to this release to the mirror again, or name another with --from";

export function digestMismatch(found: string, expected: Expected, source: RedactedUrl): GantryError {
  const detail = [`expected sha256:${expected.sha256}`, `found    sha256:${found}`];
  const what = "the bundle on the mirror is not the one that the release was built with";
  return new GantryError({ code: "DIGEST_MISMATCH", what, where: source, fix: FIX, detail });
}

/** @param found the number of bytes, or `more than` a number */
export function sizeMismatch(found: string, expected: Expected, source: RedactedUrl): GantryError {
  const what = `the bundle on the mirror has ${found} bytes where the release names ${expected.size}`;
  const detail = [`expected sha256:${expected.sha256}`];
  return new GantryError({ code: "DIGEST_MISMATCH", what, where: source, fix: FIX, detail });
}
