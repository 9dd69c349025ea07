/**
 * The source of a release. An archive is copied or fetched into a private directory, because the bytes that are checked
 * must be the bytes that are unpacked: the owner of the original could change it meanwhile.
 */
import { closeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { hideLogin } from "../../../base/redact.ts";
import { createTreeWriter } from "../../../archive/index.ts";
import type { Reporter } from "../../../base/reporter.ts";
import type { Environment } from "../../../base/environment.ts";
import { MOST_BYTES, MOST_SIGNATURE_BYTES } from "./limits.ts";
import { openNamed, pieceAfterPiece, readSmallNamed, tooLarge } from "./source-tree.ts";

export type Source = ArchiveSource | { readonly kind: "directory"; readonly root: string };

export type ArchiveSource =
  | { readonly kind: "archive"; readonly file: string }
  | { readonly kind: "url"; readonly address: string };

/** The source as a person named it, for messages. */
export function nameOf(source: Source): string {
  if (source.kind === "url") return hideLogin(source.address);
  return source.kind === "archive" ? source.file : source.root;
}

export interface TakeOptions {
  /** The name of the host's target, because some addresses have an archive for each target. */
  readonly target: string;
  readonly environment: Environment;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/**
 * Copies or fetches an archive.
 * @param file the path of the copy, which does not exist yet
 * @returns the text of the archive's signature; undefined when there is none
 * @throws GantryError RELEASE_FILE_MISSING, DIGEST_MISMATCH for what is not a regular file; the errors of fetching
 */
export async function takeArchive(
  source: ArchiveSource,
  file: string,
  options: TakeOptions,
): Promise<string | undefined> {
  if (source.kind === "url") return fetchWithSignature(source.address, file, options);
  copyArchive(source.file, file, options.signal);
  return readSmallNamed(`${source.file}.minisig`, MOST_SIGNATURE_BYTES)?.toString("utf8");
}

function copyArchive(from: string, to: string, signal: AbortSignal): void {
  const writer = createTreeWriter(dirname(to));
  const descriptor = openNamed(from);
  try {
    writer.open(basename(to), 0o600);
    let size = 0;
    for (const piece of pieceAfterPiece(descriptor)) {
      size += piece.length;
      if (size > MOST_BYTES) throw tooLarge(MOST_BYTES, from);
      writer.write(piece);
      signal.throwIfAborted();
    }
  } finally {
    writer.abandon();
    closeSync(descriptor);
  }
}

/**
 * Fetches an archive and its signature. The code for that is loaded only here, because most upgrades are from a file.
 */
async function fetchWithSignature(
  address: string,
  file: string,
  { target, environment, reporter, signal }: TakeOptions,
): Promise<string | undefined> {
  const { fetchArchive } = await import("../../../mirror/fetch-archive.ts");
  const { fetchSignature } = await import("../../../mirror/fetch.ts");
  const options = { address, target, environment, reporter, signal };
  reporter.step(`fetching ${hideLogin(address)}`);
  await fetchArchive({ ...options, into: file, most: MOST_BYTES });
  return fetchSignature(options);
}
