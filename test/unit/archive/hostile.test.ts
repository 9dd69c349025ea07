import { constants, deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Allowed } from "../../../src/archive/unpack.ts";
import {
  END,
  entry,
  fileEntry,
  header,
  longName,
  pax,
  record,
  tar,
  type Fields,
} from "../../support/archive/tar-writer.ts";
import { unpack, unpackTar } from "../../support/archive/scratch.ts";

const GOOD: Fields = { name: "app/good", data: "good" };
const LONG = `app/${"d/".repeat(1100)}f`;

/** Each follows a good file in an archive that would be fine without it. */
const HOSTILE: readonly (readonly [string, RegExp, ...(Fields | Buffer)[]])[] = [
  ["an absolute path", /has an absolute name/, { name: "/tmp/gantry-escaped" }],
  ["a path that leads out", /leads out/, { name: "app/../../victim", data: "!" }],
  ["a path that leads out at once", /leads out/, { name: "../victim" }],
  ["a path that leads out and back", /leads out/, { name: "app/x/../y" }],
  ["a path that ends in ..", /leads out/, { name: "app/..", type: "5" }],
  ["a . part", /empty or "\." part/, { name: "./app/x" }],
  ["a . part inside", /empty or "\." part/, { name: "app/./x" }],
  ["an empty part", /empty or "\." part/, { name: "app//x" }],
  ["a file with a slash at its end", /empty or "\." part/, { name: "app/x/", data: "x" }],
  ["a directory with two slashes at its end", /empty or "\." part/, { name: "app/x//", type: "5" }],
  ["no name", /has no name/, { name: "" }],
  ["the directory itself", /empty or "\." part/, { name: "./", type: "5" }],
  ["a backslash", /backslash/, { name: "app/..\\..\\victim" }],
  ["a control character", /control character/, { name: "app/\u001b[2Jx" }],
  ["a line break", /control character/, { name: "app/a\nb" }],
  ["a C1 control character", /control character/, { name: "app/\u009bx" }],
  ["invalid UTF-8", /not UTF-8/, { name: Buffer.from([0x61, 0x70, 0x70, 0x2f, 0xff, 0xfe]) }],
  ["overlong UTF-8", /not UTF-8/, { name: Buffer.from([0x61, 0x70, 0x70, 0x2f, 0xc0, 0xae]) }],
  ["a symbolic link", /a symbolic link/, { name: "app/l", type: "2", link: "/etc" }],
  ["a symbolic link inside", /a symbolic link/, { name: "app/l", type: "2", link: "good" }],
  ["a hard link", /a hard link/, { name: "app/l", type: "1", link: "../victim" }],
  [
    "a link and a write through it",
    /a symbolic link/,
    { name: "app/l", type: "2", link: ".." },
    { name: "app/l/victim", data: "!" },
  ],
  ["a file that says it is a link too", /names a link's target/, { name: "app/x", link: "../victim" }],
  ["a GNU long link", /a link/, { name: "././@LongLink", type: "K", data: "../victim\0" }],
  ["a pax link", /"linkpath"/, pax({ linkpath: "../victim" }), { name: "app/x" }],
  ["a character device", /a character device/, { name: "app/null", type: "3" }],
  ["a block device", /a block device/, { name: "app/sda", type: "4" }],
  ["a fifo", /a fifo/, { name: "app/fifo", type: "6" }],
  ["a contiguous file", /of an unknown kind \(7\)/, { name: "app/x", type: "7" }],
  ["a Solaris extension", /of an unknown kind \(X\)/, { name: "app/x", type: "X" }],
  ["a setuid file", /setuid/, { name: "app/su", mode: 0o4755 }],
  ["a setgid directory", /setgid/, { name: "app/d", type: "5", mode: 0o2755 }],
  ["a sticky directory", /sticky/, { name: "app/d", type: "5", mode: 0o1777 }],
  ["a name that comes twice", /comes twice/, { name: "app/good", data: "evil" }],
  [
    "a directory that comes twice",
    /comes twice/,
    { name: "app/d/", type: "5" },
    { name: "app/d", type: "5" },
  ],
  ["a name that differs in case", /where case does not count/, { name: "app/GOOD" }],
  ["a directory that differs in case", /where case does not count/, { name: "app/D/x" }, { name: "app/d/y" }],
  [
    "a name that differs in its letters' form",
    /where case does not count/,
    { name: "app/\u00e9" },
    { name: "app/e\u0301" },
  ],
  ["a name that differs in a long s", /where case does not count/, { name: "app/s" }, { name: "app/\u017f" }],
  ["a file where a directory is needed", /a file and a directory/, { name: "app/good/x" }],
  ["a directory where a file is", /a file and a directory/, { name: "app/good", type: "5" }],
  ["a file where a directory is", /a file and a directory/, { name: "app/d/x" }, { name: "app/d" }],
  ["a part of 256 bytes", /more than 255 bytes/, longName(`app/${"n".repeat(256)}`), { name: "app/n" }],
  ["a path of more than 2048 bytes", /more than 2048 bytes/, pax({ path: LONG }), { name: "app/n" }],
  [
    "a huge pax header",
    /an extended header has 16385 bytes/,
    entry({ name: "x", type: "x", data: "1".repeat(16_385) }),
    GOOD,
  ],
  [
    "a pax header of 8 GiB",
    /an extended header has 8589934591 bytes/,
    header({ name: "x", type: "x", size: 8 ** 11 - 1 }),
  ],
  ["a huge GNU name", /an extended header has 20006 bytes/, longName(`app/${"n".repeat(20_001)}`), GOOD],
  ["an empty extended header", /an extended header has 0 bytes/, { name: "x", type: "x" }],
  ["two pax headers", /two extended headers/, pax({ mtime: "1" }), pax({ path: "app/y" }), { name: "app/x" }],
  [
    "two names in front",
    /two extended headers/,
    pax({ path: "app/y" }),
    longName("app/z"),
    { name: "app/x" },
  ],
  [
    "two names in one pax header",
    /two of "path"/,
    entry({ name: "x", type: "x", data: record("path", "app/a") + record("path", "app/b") }),
    { name: "app/x" },
  ],
  ["a pax name that leads out", /leads out/, pax({ path: "app/../../victim" }), { name: "app/x" }],
  ["a GNU name that leads out", /leads out/, longName("app/../../victim"), { name: "app/x" }],
  ["a prefix that leads out", /leads out/, { name: "victim", prefix: "app/../.." }],
  ["a prefix that is absolute", /absolute/, { name: "victim", prefix: "/tmp" }],
  [
    "a pax header for all that follows",
    /about all that follows/,
    pax({ path: "app/all" }, "g"),
    { name: "app/x" },
  ],
  ["names in another encoding", /"hdrcharset"/, pax({ hdrcharset: "BINARY" }), { name: "app/x" }],
  ["a sparse file", /a sparse file/, { name: "app/sparse", type: "S" }],
  ["a pax sparse file", /"GNU.sparse.major"/, pax({ "GNU.sparse.major": "1" }), { name: "app/x" }],
  [
    "a pax record that is too long",
    /damaged/,
    entry({ name: "x", type: "x", data: "99 path=app/y\n" }),
    { name: "app/x" },
  ],
  [
    "a pax record that is too short",
    /damaged/,
    entry({ name: "x", type: "x", data: "3 path=app/y\n" }),
    { name: "app/x" },
  ],
  [
    "a pax record of no length",
    /damaged/,
    entry({ name: "x", type: "x", data: "0 path=app/y\n" }),
    { name: "app/x" },
  ],
  [
    "a pax record with no key",
    /damaged/,
    entry({ name: "x", type: "x", data: "6 abc\n" }),
    { name: "app/x" },
  ],
  [
    "a pax size that overrides the header's",
    /two headers give "app\/x" 4 and 512 bytes/,
    pax({ size: "512" }),
    { name: "app/x", data: "good" },
  ],
  ["a pax size below zero", /no number/, pax({ size: "-1" }), { name: "app/x" }],
  [
    "a size of base 256",
    /size is no octal number/,
    { name: "app/x", size: Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), data: "x" },
  ],
  ["a size below zero", /size is no octal number/, { name: "app/x", size: Buffer.alloc(12, 0xff) }],
  ["no size", /size is no octal number/, { name: "app/x", size: Buffer.alloc(12) }],
  [
    "a size that is larger than the data",
    /checksum|neither|octal|padding/,
    { name: "app/x", size: 513, data: "x".repeat(512) },
    { name: "app/y", data: "y" },
  ],
  [
    "a size that is smaller than the data",
    /padding is not zero/,
    { name: "app/x", size: 4, data: "fourteen bytes" },
  ],
  ["a size smaller by blocks", /octal number|checksum/, { name: "app/x", size: 512, data: "x".repeat(1024) }],
  ["a directory with data", /the directory "app\/d" has 1 bytes/, { name: "app/d/", type: "5", data: "x" }],
  ["a wrong checksum", /checksum is wrong/, { name: "app/x", checksum: "000001\0 " }],
  ["no magic", /neither ustar nor GNU/, { name: "app/x", magic: "" }],
  [
    "one block of zeros in the middle",
    /a block of zeros is in the middle/,
    Buffer.alloc(512),
    { name: "app/x" },
  ],
  ["a second archive after the end", /something follows its end/, END, { name: "app/x" }],
  ["a pax header at the end", /an extended header has no entry/, pax({ path: "app/x" })],
  ["a second directory at the top", /two directories at its top: "app" and "other"/, { name: "other/x" }],
  ["a file at the top", /is beside the release's directory/, { name: "install.sh", data: "#!/bin/sh" }],
];

describe("an archive is refused for", () => {
  it.each(HOSTILE.map((one) => [one[0], one] as const))("%s", async (_, [, reason, ...parts]) => {
    const { refused, returned, found } = await unpackTar(tar(GOOD, ...parts));
    expect(refused).toMatch(/^ARCHIVE_UNSAFE: the archive is not unpacked: /);
    expect(refused).toMatch(reason);
    expect(returned.size).toBe(0);
    expect(found.get("app/good")).toEqual(fileEntry("good"));
  });

  it("each also where the manifest lists the file, except rules for releases alone", async () => {
    const names = ["app/good", ...HOSTILE.flatMap(([, , ...parts]) => parts.flatMap((part) => nameOf(part)))];
    const files = new Map(names.map((name) => [name, fileEntry(name === "app/good" ? "good" : "")]));
    const allow: Allowed = { kind: "exactly", files, unpacked: 1 << 20 };
    for (const [name, , ...parts] of HOSTILE) {
      const { refused, returned } = await unpackTar(tar(GOOD, ...parts), allow);
      if (name.endsWith("at the top")) continue;
      expect([name, refused]).toEqual([name, expect.stringMatching(/^(?:ARCHIVE_UNSAFE|DIGEST_MISMATCH): /)]);
      expect(returned.size).toBe(0);
    }
  });
});

function nameOf(part: Fields | Buffer): string[] {
  return Buffer.isBuffer(part) || typeof part.name !== "string" ? [] : [part.name];
}

/** Headers of empty files with successive names. */
function thousand(from: number): Buffer {
  return Buffer.concat(Array.from({ length: 1000 }, (_, index) => header({ name: `app/${from + index}` })));
}

describe("the bounds", () => {
  const allow: Allowed = { kind: "release", bytes: 1 << 20, entries: 100 };

  it("stop a bomb before it is written", async () => {
    const bomb = tar(GOOD, { name: "app/bomb", data: Buffer.alloc(8 << 20) });
    const { refused, found } = await unpackTar(bomb, allow);
    expect(refused).toBe(
      "ARCHIVE_UNSAFE: the archive is not unpacked: its files have more than the 1048576 bytes allowed",
    );
    expect([...found.keys()]).toEqual(["app/good"]);
  });

  it("stop many small bombs at the sum of their sizes", async () => {
    const parts = Array.from({ length: 20 }, (_, index) => ({
      name: `app/${index}`,
      data: Buffer.alloc(100_000),
    }));
    const { refused, found } = await unpackTar(tar(...parts), allow);
    expect(refused).toMatch(/more than the 1048576 bytes/);
    expect(found.size).toBe(10);
  });

  it("stop a bomb of zeros behind the end", async () => {
    const { refused } = await unpackTar(Buffer.concat([tar(GOOD), Buffer.alloc(32 << 20)]), allow);
    expect(refused).toMatch(/too many zeros follow its end/);
  });

  it("stop a million tiny entries at the hundredth", async () => {
    // The same thousand names again and again, in gzip blocks that can be repeated as they are.
    const flush = { finishFlush: constants.Z_FULL_FLUSH };
    const block = deflateRawSync(thousand(1000), flush);
    const parts = [gzipSync("").subarray(0, 10), deflateRawSync(thousand(0), flush)];
    const many = Buffer.concat([...parts, ...Array.from({ length: 999 }, () => block)]);
    const { refused, found } = await unpack(many, allow);
    expect(refused).toMatch(/it has more than 100 entries/);
    expect(found.size).toBe(99);
  });

  it("count directories that are only implied", async () => {
    const deep = Array.from({ length: 50 }, (_, index) => ({ name: `app/${index}/a/b/c/d` }));
    const { refused } = await unpackTar(tar(...deep), allow);
    expect(refused).toMatch(/it has more than 100 entries/);
  });

  it("do not wait for what does not come: every cut of an archive is refused", async () => {
    const whole = tar(
      GOOD,
      pax({ path: "app/longer" }),
      { name: "app/x", data: "x".repeat(700) },
      longName("app/y"),
      {
        name: "y",
      },
    );
    const cuts = new Set([0, 1, 511, 512, 513, 515, 516, 517, 1023, 1024, 1025]);
    for (let at = 1024; at < whole.length; at += 256) cuts.add(at).add(at + 1);
    cuts
      .add(whole.length - 1)
      .add(whole.length - 512)
      .add(whole.length - 1024);
    for (const at of cuts) {
      const { refused, returned } = await unpackTar(whole.subarray(0, at));
      expect([at, refused]).toEqual([at, "ARCHIVE_UNSAFE: the archive is not unpacked: it is cut off"]);
      expect(returned.size).toBe(0);
    }
    expect((await unpackTar(whole)).refused).toBeUndefined();
  });
});

it("says which entry it was, however long its name is", async () => {
  const { refused } = await unpackTar(tar(pax({ path: `app/${"n/".repeat(500)}../x` }), { name: "app/x" }));
  expect(refused).toContain(`the entry "app/${"n/".repeat(98)}…" leads out`);
});
