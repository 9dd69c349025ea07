import { describe, expect, it } from "vitest";
import * as zlib from "node:zlib";
import { GantryError } from "../../../src/base/errors.ts";
import { refuseUnsafe } from "../../../src/archive/archive-errors.ts";
import { createFrameFollower } from "../../../src/archive/zstd-frame.ts";
import { unpack } from "../../support/archive/scratch.ts";
import { runUnderBun } from "../../support/archive/under-bun.ts";

/** Frames after RFC 8878, 3.1.1, by hand: nothing in them is compressed. */
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const NAME = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
const SINGLE = 0x20;
const CHECKSUM = 0x04;
const raw = (size: number, last: 0 | 1): number[] => [
  ...block(size, 0, last),
  ...Array.from({ length: size }, () => 0xaa),
];
const repeated = (size: number, last: 0 | 1): number[] => [...block(size, 1, last), 0xaa];

function block(size: number, kind: number, last: 0 | 1): number[] {
  const value = (size << 3) | (kind << 1) | last;
  return [value & 0xff, (value >> 8) & 0xff, value >> 16];
}

const FRAMES: Readonly<Record<string, readonly number[]>> = {
  "one block": [...MAGIC, SINGLE, 5, ...raw(5, 1)],
  "a name in front": [...NAME, ...MAGIC, SINGLE, 5, ...raw(5, 1)],
  "a checksum": [...MAGIC, SINGLE | CHECKSUM, 5, ...raw(5, 1), 1, 2, 3, 4],
  "three blocks": [...MAGIC, 0, 0x58, ...raw(700, 0), ...repeated(100_000, 0), ...raw(0, 1)],
  "a size of two bytes": [...MAGIC, 0x40, 0x58, 0, 1, ...raw(1, 1)],
  "a size of four bytes": [...MAGIC, 0x80, 0x68, 0, 1, 0, 0, ...raw(1, 1)],
  "a size of eight bytes": [...MAGIC, SINGLE | 0xc0, 0, 0, 0x10, 0, 0, 0, 0, 0, ...raw(1, 1)],
};

/** What following these bytes ends with, whatever pieces they come in: a refusal, or the bytes of the data. */
function follow(bytes: readonly number[]): string | readonly number[] {
  const [first = [], ...others] = [4096, 1, 3].map((size) => {
    try {
      const follower = createFrameFollower(refuseUnsafe("archive"));
      const data: number[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        data.push(...follower.push(Buffer.from(bytes.slice(at, at + size))));
      }
      follower.finish();
      return data;
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
      return error.findings[0].what;
    }
  });
  for (const other of others) expect(other).toEqual(first);
  return first;
}

describe("following a frame of zstd", () => {
  it.each(Object.entries(FRAMES))(
    "finds the end of one with %s, and passes it on without a name",
    (_, frame) => {
      expect(follow(frame)).toEqual(frame[0] === NAME[0] ? frame.slice(NAME.length) : frame);
    },
  );

  it.each(Object.entries(FRAMES))("refuses every cut of one with %s, and anything behind it", (_, frame) => {
    for (let at = 0; at < frame.length; at += frame.length > 100 && at > 20 && at < 690 ? 50 : 1) {
      expect([at, follow(frame.slice(0, at))]).toEqual([at, expect.stringMatching(/it is cut off/)]);
    }
    for (const more of [[0], MAGIC, NAME, frame]) {
      expect(follow([...frame, ...more])).toMatch(/something follows the compressed data/);
    }
  });

  it.each([
    ["two names in front", /damaged/, [...NAME, ...NAME, ...MAGIC, SINGLE, 5, ...raw(5, 1)]],
    ["a name that is too long", /too long/, [...NAME.slice(0, 4), 0, 0, 0, 1, ...MAGIC]],
    ["another magic number", /damaged/, [0x28, 0xb5, 0x2f, 0xfe, SINGLE, 5, ...raw(5, 1)]],
    ["the reserved block", /damaged/, [...MAGIC, SINGLE, 5, ...block(5, 3, 1)]],
    ["a dictionary", /dictionary/, [...MAGIC, SINGLE | 1, 7, 5, ...raw(5, 1)]],
    ["the reserved bit", /newer format/, [...MAGIC, SINGLE | 8, 5, ...raw(5, 1)]],
    ["a window of 16 MiB", /window of 16777216 bytes/, [...MAGIC, 0, 14 << 3, ...raw(5, 1)]],
    ["a window a little above 8 MiB", /window of 9437184 bytes/, [...MAGIC, 0, (13 << 3) | 1, ...raw(5, 1)]],
    [
      "contents of a terabyte as the window",
      /window of 1099511627776 bytes/,
      [...MAGIC, SINGLE | 0xc0, 0, 0, 0, 0, 0, 1, 0, 0, ...raw(1, 1)],
    ],
  ])("refuses %s", (_, reason, frame) => {
    expect(follow(frame)).toMatch(reason);
  });

  it("allows the window of 8 MiB that level 19 uses", () => {
    expect(follow([...MAGIC, 0, 13 << 3, ...raw(5, 1)])).toHaveLength(14);
  });
});

interface Report {
  readonly name: string;
  readonly refused?: string;
  readonly found: readonly string[];
}

it("under Bun, takes one frame at every level and nothing else", async () => {
  const reports = await runUnderBun<Report[]>(`
    import { constants, gunzipSync, zstdCompressSync as compress } from "node:zlib";
    import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
    import { tmpdir } from "node:os";
    import { join } from "node:path";
    import { unpackArchive } from "../../../src/archive/unpack.ts";
    import { bundle, EXACTLY } from "../../support/archive/fuzz.ts";

    const tar = gunzipSync(bundle("gz"));
    const whole = Buffer.from(bundle("zst"));
    const level = (value) => compress(tar, { params: { [constants.ZSTD_c_compressionLevel]: value } });
    const wide = compress(Buffer.alloc(32 << 20), { params: { [constants.ZSTD_c_windowLog]: 25 } });
    const checked = compress(tar, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
    const wrong = Buffer.from(checked);
    wrong[wrong.length - 1] ^= 1;
    const archives = {
      "good": whole, "good 1": level(1), "good 9": level(9), "good 19": level(19), "good checked": checked,
      "second frame": Buffer.concat([whole, compress("")]),
      "itself": Buffer.concat([whole, whole]),
      "a name behind": Buffer.concat([whole, Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0])]),
      "a byte behind": Buffer.concat([whole, Buffer.alloc(1)]),
      "cut by 1": whole.subarray(0, -1), "cut by 3": whole.subarray(0, -3), "cut by 4": whole.subarray(0, -4),
      "half": whole.subarray(0, whole.length >> 1), "only the name": whole.subarray(0, 150),
      "wide window": wide, "wrong checksum": wrong,
    };
    const reports = [];
    for (const [name, bytes] of Object.entries(archives)) {
      const directory = mkdtempSync(join(tmpdir(), "gantry-zstd-"));
      try {
        const file = join(directory, "archive");
        const into = join(directory, "into");
        writeFileSync(file, bytes);
        mkdirSync(into);
        const written = await unpackArchive({ file, into, allow: EXACTLY, signal: new AbortController().signal });
        reports.push({ name, found: [...written.keys()] });
      } catch (error) {
        reports.push({ name, refused: error.message, found: [] });
      } finally {
        rmSync(directory, { recursive: true });
      }
    }
    report(reports);`);
  expect(reports).toHaveLength(16);
  const good = reports.filter(({ name }) => name.startsWith("good"));
  expect(good.map(({ refused, found }) => refused ?? found.length)).toEqual([6, 6, 6, 6, 6]);
  for (const { name, refused } of reports.filter((one) => !good.includes(one))) {
    expect([name, refused]).toEqual([name, expect.stringMatching(/^ARCHIVE_UNSAFE: /)]);
  }
});

const hasZstd = "createZstdDecompress" in zlib;

it.skipIf(hasZstd)(
  "is refused where the runtime has no zstd (this one has: skipped from Node 22.15 on)",
  async () => {
    const { refused } = await unpack(Buffer.from([...(FRAMES["one block"] ?? [])]));
    expect(refused).toBe("HOST_UNSUPPORTED: this runtime cannot read zstd, and the archive is a .zst");
  },
);
