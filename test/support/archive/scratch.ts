/** Places to unpack into, and what became of them; everything is removed after each test. */
import { lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { unpackArchive, type Allowed } from "../../../src/archive/unpack.ts";
import { GantryError } from "../../../src/base/errors.ts";
import { removeAfterTest } from "../removal.ts";
import { readTreeEntry, readTreeFiles, type FileEntry } from "../../../src/release/tree.ts";

export const RELEASE: Allowed = { kind: "release", bytes: 1 << 20, entries: 100 };

export function scratch(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "gantry-unpack-")));
  removeAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface Outcome {
  /** The finding's code and sentence, when it was refused. */
  readonly refused: string | undefined;
  readonly returned: ReadonlyMap<string, FileEntry>;
  /** What lies in `into` afterwards, re-read. */
  readonly found: ReadonlyMap<string, FileEntry>;
  readonly modes: Readonly<Record<string, string>>;
}

/** Unpacks archive bytes and checks that nothing but `into` was touched and no link or device was made in it. */
export async function unpack(
  bytes: Uint8Array,
  allow: Allowed = RELEASE,
  signal = new AbortController().signal,
): Promise<Outcome> {
  const directory = scratch();
  const file = join(directory, "archive");
  const into = join(directory, "into");
  writeFileSync(file, bytes);
  writeFileSync(join(directory, "victim"), "untouched");
  mkdirSync(into, { mode: 0o700 });
  let refused: string | undefined;
  let returned: ReadonlyMap<string, FileEntry> = new Map();
  try {
    returned = await unpackArchive({ file, into, allow, signal });
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    const [{ code, what, where }] = error.findings;
    expect(where).toBe(file);
    refused = `${code}: ${what}`;
  }
  return { refused, returned, ...readOutcome(directory) };
}

function readOutcome(directory: string): Pick<Outcome, "found" | "modes"> {
  const files = readTreeFiles(directory);
  const outside = files.filter(({ path }) => !path.startsWith("into/")).map(({ path }) => path);
  expect(outside).toEqual(["archive", "victim"]);
  expect(files.filter(({ kind }) => kind !== "file")).toEqual([]);
  expect(readTreeEntry(directory, { path: "victim", kind: "file" })[0]).toBe("untouched".length);
  const inside = readTreeFiles(join(directory, "into"));
  return {
    found: new Map(inside.map((file) => [file.path, readTreeEntry(join(directory, "into"), file)])),
    modes: Object.fromEntries(
      inside.map(({ path }) => [path, (lstatSync(join(directory, "into", path)).mode & 0o7777).toString(8)]),
    ),
  };
}

export async function unpackTar(bytes: Uint8Array, allow: Allowed = RELEASE): Promise<Outcome> {
  return await unpack(gzipSync(bytes), allow);
}
