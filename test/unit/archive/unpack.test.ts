import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { unpackArchive, type Allowed } from "../../../src/archive/unpack.ts";
import { writeArchive } from "../../../src/build/pack/release-archive.ts";
import type { FileEntry } from "../../../src/release/tree.ts";
import { fileEntry, longName, pax, tar } from "../../support/archive/tar-writer.ts";
import { RELEASE, scratch, unpack, unpackTar } from "../../support/archive/scratch.ts";

const BIG = Buffer.from(Array.from({ length: 900_001 }, (_, index) => (index * index) >> 5));

function exactly(files: Readonly<Record<string, FileEntry>>): Allowed {
  return { kind: "exactly", files: new Map(Object.entries(files)), unpacked: 1 << 20 };
}

describe("a release archive", () => {
  it("comes out with contents and executable bits alone, whatever the umask", async () => {
    const before = process.umask(0o077);
    try {
      const outcome = await unpackTar(
        tar(
          { name: "app/", type: "5", mode: 0o700 },
          { name: "app/run", data: "#!/bin/sh\n", mode: 0o700 },
          { name: "app/lib/data", data: BIG, mode: 0o666 },
          { name: "app/lib/empty", mode: 0 },
        ),
      );
      expect(outcome.refused).toBeUndefined();
      expect(Object.fromEntries(outcome.returned)).toEqual({
        "app/run": fileEntry("#!/bin/sh\n", "x"),
        "app/lib/data": fileEntry(BIG),
        "app/lib/empty": fileEntry(""),
      });
      expect(outcome.found).toEqual(new Map([...outcome.returned].toSorted()));
      expect(outcome.modes).toEqual({ "app/run": "755", "app/lib/data": "644", "app/lib/empty": "644" });
    } finally {
      process.umask(before);
    }
  });

  it("is read as the build side writes it", async () => {
    const parent = scratch();
    const deep = `${"directory/".repeat(20)}file-with-a-long-name.txt`;
    const contents = { run: "#!/bin/sh\n", [deep]: "deep", "b/ü.txt": "ü", "b/big": BIG };
    for (const [path, data] of Object.entries(contents)) {
      mkdirSync(join(parent, "app", path, ".."), { recursive: true });
      writeFileSync(join(parent, "app", path), data);
    }
    chmodSync(join(parent, "app/run"), 0o755);
    const file = join(parent, "app.tar.gz");
    await writeArchive({ parent, name: "app", file, epoch: undefined });
    const into = join(scratch(), "into");
    mkdirSync(into);
    const written = await unpackArchive({ file, into, allow: RELEASE, signal: new AbortController().signal });
    expect(Object.fromEntries(written)).toEqual(
      Object.fromEntries(
        Object.entries(contents).map(([path, data]) => [
          `app/${path}`,
          fileEntry(data, path === "run" ? "x" : undefined),
        ]),
      ),
    );
  });

  it.each(["gnu", "posix", "ustar"])("is read as GNU tar writes it (--format=%s)", async (format) => {
    const directory = scratch();
    const name = format === "ustar" ? "name".repeat(20) : "name".repeat(40);
    mkdirSync(join(directory, "app/sub"), { recursive: true });
    writeFileSync(join(directory, "app/sub", name), "long");
    chmodSync(join(directory, "app/sub", name), 0o755);
    execFileSync("tar", [`--format=${format}`, "-czf", "a.tgz", "app"], { cwd: directory });
    mkdirSync(join(directory, "into"));
    const options = { file: join(directory, "a.tgz"), into: join(directory, "into") };
    const written = await unpackArchive({ ...options, allow: RELEASE, signal: new AbortController().signal });
    expect([...written]).toEqual([[`app/sub/${name}`, fileEntry("long", "x")]]);
    expect(statSync(join(directory, "into/app/sub")).mode & 0o7777).toBe(0o755);
  });
});

describe("exactly the manifest's files", () => {
  const files = {
    "a/one.js": fileEntry("one"),
    "a/run": fileEntry("run", "x"),
    "b/two.js": fileEntry("two"),
  };

  it("come out with the manifest's modes, in any order, and some may be missing", async () => {
    const outcome = await unpackTar(
      tar({ name: "a/run", data: "run", mode: 0o600 }, { name: "a/one.js", data: "one", mode: 0o777 }),
      exactly(files),
    );
    expect(outcome.refused).toBeUndefined();
    expect(Object.fromEntries(outcome.returned)).toEqual({
      "a/one.js": files["a/one.js"],
      "a/run": files["a/run"],
    });
    expect(outcome.modes).toEqual({ "a/one.js": "644", "a/run": "755" });
  });

  it("take long names from either kind of header", async () => {
    const long = `a/${"n".repeat(200)}`;
    const longer = `b/${"n".repeat(200)}`;
    const outcome = await unpackTar(
      tar(pax({ path: long, mtime: "1.5", size: "3" }), { name: "a/n", data: "one" }, longName(longer), {
        name: "b/n",
        data: "two",
      }),
      exactly({ [long]: fileEntry("one"), [longer]: fileEntry("two") }),
    );
    expect([...outcome.returned.keys()]).toEqual([long, longer]);
  });

  it.each([
    [
      "a file that it does not name",
      { name: "a/three.js", data: "three" },
      /"a\/three.js" .*does not belong/,
    ],
    ["a directory that it does not need", { name: "c/", type: "5" }, /"c" .*does not belong/],
    ["a directory in the place of a file", { name: "b/two.js/", type: "5" }, /"b\/two.js" .*does not belong/],
    ["a file in the place of a directory", { name: "b", data: "" }, /"b" .*does not belong/],
    [
      "a longer file",
      { name: "b/two.js", data: "two!" },
      /"b\/two.js" has 4 bytes in the archive; .* with 3/,
    ],
    ["another file", { name: "b/two.js", data: "TWO" }, /"b\/two.js" in the archive is not the file/],
  ])("are refused for %s", async (_, part, reason) => {
    const { refused, found } = await unpackTar(tar({ name: "a/one.js", data: "one" }, part), exactly(files));
    expect(refused).toMatch(/^DIGEST_MISMATCH: /);
    expect(refused).toMatch(reason);
    const kept = ["a/one.js", ...("data" in part && part.data === "TWO" ? ["b/two.js"] : [])];
    expect([...found.keys()]).toEqual(kept);
  });

  it("stay within the bytes that the manifest allows", async () => {
    const allow: Allowed = { kind: "exactly", files: new Map(Object.entries(files)), unpacked: 5 };
    const parts = [
      { name: "a/one.js", data: "one" },
      { name: "b/two.js", data: "two" },
    ];
    expect((await unpackTar(tar(...parts), allow)).refused).toMatch(/ARCHIVE_UNSAFE.*more than the 5 bytes/);
  });
});

describe("unpacking", () => {
  it("refuses what is no archive", async () => {
    expect((await unpack(Buffer.from("PK\u0003\u0004 and so on"))).refused).toMatch(/neither zstd nor gzip/);
    expect((await unpack(Buffer.alloc(0))).refused).toMatch(/neither zstd nor gzip/);
    expect((await unpack(gzipSync(""))).refused).toMatch(/it is cut off/);
  });

  it("refuses what follows the gzip member, and every cut of it", async () => {
    const whole = gzipSync(tar({ name: "app/x", data: BIG }));
    const more = [
      whole,
      gzipSync(""),
      gzipSync(Buffer.alloc(512)),
      Buffer.from("x"),
      Buffer.from("trailing garbage"),
      Buffer.alloc(1),
      Buffer.alloc(200_000),
      whole.subarray(-4),
    ];
    for (const part of more) {
      const { refused } = await unpack(Buffer.concat([whole, part]));
      expect(refused).toMatch(/^ARCHIVE_UNSAFE: .*(?:something follows its compressed data|damaged|its end)/);
    }
    for (const at of [
      4,
      9,
      10,
      11,
      100,
      whole.length >> 1,
      whole.length - 9,
      whole.length - 8,
      whole.length - 1,
    ]) {
      expect([at, (await unpack(whole.subarray(0, at))).refused]).toEqual([
        at,
        expect.stringMatching(/^ARCHIVE_UNSAFE: .*damaged or cut off/),
      ]);
    }
    expect((await unpack(whole)).refused).toBeUndefined();
  });

  it("stops with the signal's reason", async () => {
    const reason = new Error("stopped by the user");
    const stop = new AbortController();
    const directory = scratch();
    const file = join(directory, "a");
    const into = join(directory, "into");
    writeFileSync(file, gzipSync(tar({ name: "app/x", data: BIG })));
    mkdirSync(into);
    const seen: number[] = [];
    const progress = (bytes: number): void => {
      seen.push(bytes);
      stop.abort(reason);
    };
    const run = unpackArchive({ file, into, allow: RELEASE, signal: stop.signal, progress });
    await expect(run).rejects.toBe(reason);
    expect(seen).toHaveLength(1);
    await expect(unpackArchive({ file, into, allow: RELEASE, signal: stop.signal })).rejects.toBe(reason);
  });

  it("tells how far it is, up to all bytes", async () => {
    const directory = scratch();
    const file = join(directory, "a");
    const into = join(directory, "into");
    writeFileSync(file, gzipSync(tar({ name: "app/x", data: BIG })));
    mkdirSync(into);
    const seen: number[] = [];
    const { signal } = new AbortController();
    await unpackArchive({ file, into, allow: RELEASE, signal, progress: (bytes) => seen.push(bytes) });
    expect(seen.length).toBeGreaterThan(2);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(BIG.length);
  });

  it("writes over nothing that was there: no file, no link", async () => {
    const directory = scratch();
    const file = join(directory, "a");
    writeFileSync(file, gzipSync(tar({ name: "app/x", data: "new" })));
    const { signal } = new AbortController();
    for (const plant of ["file", "link", "directory link"]) {
      const into = join(directory, plant);
      mkdirSync(into);
      if (plant === "directory link") symlinkSync("..", join(into, "app"));
      else mkdirSync(join(into, "app"));
      if (plant === "file") writeFileSync(join(into, "app/x"), "old");
      if (plant === "link") symlinkSync("../../victim", join(into, "app/x"));
      await expect(unpackArchive({ file, into, allow: RELEASE, signal })).rejects.toMatchObject({
        code: "EEXIST",
      });
    }
    expect(readdirSync(directory).toSorted()).toEqual(["a", "directory link", "file", "link"]);
  });

  it("passes the file system's own errors on", async () => {
    const { signal } = new AbortController();
    const missing = unpackArchive({ file: join(scratch(), "none"), into: scratch(), allow: RELEASE, signal });
    await expect(missing).rejects.toMatchObject({ code: "ENOENT" });
  });
});
