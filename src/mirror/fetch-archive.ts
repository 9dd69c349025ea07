/**
 * Fetches a file whose size and digest are not known: a release's archive, whose signature or sums the caller checks. The
 * size is limited, and an incomplete file is removed.
 */
import { type RedactedUrl, showAddress } from "../base/redact.ts";
import { GantryError } from "../base/errors.ts";
import { openAddress } from "./address.ts";
import { readAuthorization } from "./http/credentials.ts";
import { download } from "./http/download.ts";
import type { SourceOptions } from "./fetch.ts";
import { openFile } from "./http/file.ts";
import { LIMITS, send } from "./http/request.ts";
import type { Sink } from "./http/sink.ts";

export interface ArchiveOptions extends Omit<SourceOptions, "target"> {
  /** The file to write: a path in a private work directory that does not exist yet. */
  readonly into: string;
  /** The largest size that is accepted, in bytes. */
  readonly most: number;
}

/**
 * Fetches the file from a web address.
 * @throws GantryError NETWORK_FAILED, BUNDLE_MISSING, PERMISSION_DENIED, ARCHIVE_UNSAFE for more than `most` bytes; the
 *   signal's reason
 */
export async function fetchArchive(options: ArchiveOptions): Promise<void> {
  const { environment, signal, reporter, limits = LIMITS, into, most } = options;
  const network = { environment, signal, debug: reporter.debug, limits };
  const address = openAddress(options.address);
  if (address.kind !== "web") throw new RangeError("only a web address can be fetched from");
  const source = showAddress(address.url);
  const authorization = readAuthorization(address.url, address.login, environment);
  const sink = openPlainSink(into, most, source);
  try {
    await download({
      get: (headers) => send(address.url, { headers, authorization }, network),
      sink,
      expected: { size: most, sha256: "" },
      offered: authorization === undefined ? "nothing" : "credentials",
      source,
      network,
      progress: () => undefined,
    });
  } catch (error) {
    sink.remove();
    throw error;
  } finally {
    sink.close();
  }
}

/** A sink that checks only the size's limit. */
function openPlainSink(into: string, most: number, source: RedactedUrl): Sink {
  const { bytes, append, empty, close, remove } = openFile(into);
  return {
    bytes,
    passed: () => false,
    write: (chunk) => {
      if (bytes() + chunk.length > most) {
        const what = `there are more than ${most} bytes`;
        throw new GantryError({ code: "ARCHIVE_UNSAFE", what, where: source });
      }
      append(chunk);
    },
    restart: empty,
    finish: () => undefined,
    close,
    remove,
  };
}
