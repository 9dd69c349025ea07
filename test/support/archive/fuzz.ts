/**
 * Damages archives in seeded ways and unpacks them. Run by the tests in their own runtime, and by a child under
 * Bun, which is where zstd is read. The same seed gives the same archives.
 */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as zlib from "node:zlib";
import { unpackArchive, type Allowed } from "../../../src/archive/unpack.ts";
import { GantryError } from "../../../src/base/errors.ts";
import { withBundleHead, type Compression } from "../../../src/release/bundle-head.ts";
import { digestOfFiles, readTreeEntry, readTreeFiles } from "../../../src/release/tree.ts";
import { fileEntry, header, longName, pax, tar } from "./tar-writer.ts";

/** xorshift32: small, and the same everywhere. */
function random(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const noise = random(7);
const LONG = `node_modules/module/${"long-".repeat(30)}name.js`;
/** What the modules of a release look like, in small: scripts, one native file, an empty one, a long name. */
const CONTENTS: Readonly<Record<string, string | Buffer>> = {
  "node_modules/module/package.json": JSON.stringify({ name: "module", version: "1.0.0", main: "index.js" }),
  "node_modules/module/index.js": "module.exports = require('./build/module.node');\n".repeat(40),
  "node_modules/module/build/module.node": Buffer.from(
    Array.from({ length: 30_000 }, (_, at) => (at % 3 === 0 ? noise(256) : at >> 7)),
  ),
  "node_modules/module/empty.js": "",
  [LONG]: "exports.deep = true;\n",
  "node_modules/other/cli.js": "#!/usr/bin/env node\nrequire('module');\n",
};
const EXPECTED = new Map(
  Object.entries(CONTENTS).map(([path, data]) => [
    path,
    fileEntry(data, path.endsWith("cli.js") ? "x" : undefined),
  ]),
);
export const EXACTLY: Allowed = { kind: "exactly", files: EXPECTED, unpacked: 1 << 17 };
const WANTED = digestOfFiles(Object.fromEntries(EXPECTED));

/** The tar of a bundle. */
function bundleTar(): Buffer {
  return tar(
    ...Object.entries(CONTENTS).flatMap(([path, data]) =>
      path === LONG ? [pax({ path }), { name: "node_modules/module/long", data }] : [{ name: path, data }],
    ),
  );
}

/** A bundle with its head, as a release carries it. Zstd needs a runtime that has it. */
export function bundle(compression: Compression): Uint8Array {
  const { zstdCompressSync } = zlib as { readonly zstdCompressSync?: (data: Uint8Array) => Uint8Array };
  const data = compression === "gz" ? zlib.gzipSync(bundleTar()) : zstdCompressSync?.(bundleTar());
  if (data === undefined) throw new Error("this runtime has no zstd");
  const identity = {
    schema: 1,
    name: "app",
    version: "1.0.0",
    target: "linux-x64-gnu",
    tree: WANTED,
  } as const;
  return withBundleHead(identity, compression, data);
}

export interface Outcomes {
  /** How many archives ended as which code, as "right", or as "other": sound, but fewer or other files. */
  readonly ends: Record<string, number>;
  /** What must not have happened, with the number of the archive. */
  readonly failures: string[];
}

/** Unpacks `count` archives one after the other. */
export async function unpackAll(
  count: number,
  make: (index: number) => Uint8Array,
  allow: Allowed = EXACTLY,
): Promise<Outcomes> {
  const directory = mkdtempSync(join(tmpdir(), "gantry-fuzz-"));
  const outcomes: Outcomes = { ends: {}, failures: [] };
  try {
    for (let index = 0; index < count; index += 1) {
      const end = await unpackOne(directory, make(index), allow);
      if (end.failure !== undefined) outcomes.failures.push(`${index}: ${end.failure}`);
      outcomes.ends[end.code] = (outcomes.ends[end.code] ?? 0) + 1;
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  return outcomes;
}

async function unpackOne(
  directory: string,
  bytes: Uint8Array,
  allow: Allowed,
): Promise<{ readonly code: string; readonly failure?: string | undefined }> {
  const file = join(directory, "archive");
  const into = join(directory, "into");
  writeFileSync(file, bytes);
  mkdirSync(into, { mode: 0o700 });
  try {
    const written = await unpackArchive({ file, into, allow, signal: new AbortController().signal });
    const returned = digestOfFiles(Object.fromEntries(written));
    const strange = [...written].find(([path, entry]) => String(EXPECTED.get(path)) !== String(entry));
    const failure =
      findEscape(directory) ??
      (returned === digestOf(into) ? undefined : "what it returned is not what it wrote") ??
      (allow === EXACTLY && strange !== undefined ? `${strange[0]} is not the right file` : undefined);
    return { code: returned === WANTED ? "right" : "other", failure };
  } catch (error) {
    if (!(error instanceof GantryError)) return { code: "unexpected", failure: String(error) };
    const { code } = error.findings[0];
    const isExpected = code === "ARCHIVE_UNSAFE" || code === "DIGEST_MISMATCH";
    return { code, failure: isExpected ? findEscape(directory) : error.message };
  } finally {
    rmSync(into, { recursive: true });
  }
}

function digestOf(root: string): string {
  return digestOfFiles(
    Object.fromEntries(readTreeFiles(root).map((file) => [file.path, readTreeEntry(root, file)])),
  );
}

/** Anything beside the archive and the directory that is unpacked into, and anything in there of another kind or mode. */
function findEscape(directory: string): string | undefined {
  const names = readdirSync(directory).toSorted();
  if (names.join(" ") !== "archive into") return `there is ${names.join(" ")}`;
  const odd = readTreeFiles(join(directory, "into")).find(({ path, kind }) => {
    const mode = lstatSync(join(directory, "into", path)).mode & 0o7777;
    // 0600 is a file that was being written when the archive was refused.
    return kind !== "file" || ![0o644, 0o755].includes(mode);
  });
  return odd === undefined ? undefined : `${odd.path} is odd`;
}

/** Flips one bit at a place of its own for each archive. */
export function flips(whole: Uint8Array, seed: number): () => Uint8Array {
  const next = random(seed);
  return () => {
    const bytes = Buffer.from(whole);
    const at = next(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << next(8));
    return bytes;
  };
}

const NASTY = [
  "..",
  "/",
  "./",
  "a/../b",
  "\\",
  "\0",
  "\u00ff",
  "/etc/passwd",
  "A",
  "a",
  "a/b",
  "",
  "x".repeat(100),
];
const SIZES = ["0", "1", "777", "1000", "77777777777", "-1", " 12", "12 ", "9", ""];
const KINDS = ["0", "1", "2", "3", "4", "5", "6", "7", "g", "x", "L", "K", "S", "\0", "V"];

/** Tar archives that are sound to the byte, checksums too, but say something else in one to four places. */
export function forgeries(seed: number): () => Uint8Array {
  const next = random(seed);
  const pick = <T>(from: readonly [T, ...T[]] | readonly T[], otherwise: T): T =>
    from[next(from.length)] ?? otherwise;
  return () => {
    let archive = bundleTar();
    for (let changes = 1 + next(4); changes > 0; changes -= 1) {
      const at = next(archive.length >> 9) * 512;
      switch (next(5)) {
        case 0: {
          const forged = header({
            name: pick(NASTY, ""),
            prefix: next(4) === 0 ? pick(NASTY, "") : "",
            type: pick(KINDS, "0"),
            size: Buffer.from(pick(SIZES, "")),
            mode: next(0o10000),
            link: next(4) === 0 ? pick(NASTY, "") : "",
          });
          archive = Buffer.concat([archive.subarray(0, at), forged, archive.subarray(at + 512 * next(2))]);
          break;
        }
        case 1:
          archive = Buffer.concat([
            archive.subarray(0, at),
            pax({ path: pick(NASTY, ""), size: pick(SIZES, "") }),
            archive.subarray(at),
          ]);
          break;
        case 2:
          archive = Buffer.concat([archive.subarray(0, at), longName(pick(NASTY, "")), archive.subarray(at)]);
          break;
        case 3:
          archive = Buffer.concat([archive.subarray(0, at), archive.subarray(at + 512)]);
          break;
        default: {
          const from = next(archive.length >> 9) * 512;
          archive = Buffer.concat([
            archive.subarray(0, at),
            archive.subarray(from, from + 2048),
            archive.subarray(at),
          ]);
        }
      }
    }
    return zlib.gzipSync(archive, { level: 1 });
  };
}
