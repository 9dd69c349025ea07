/** The pure parsers of host facts, each on text or bytes written by hand from the formats' descriptions. */
import { describe, expect, it } from "vitest";
import { findMount, parseMountInfo } from "../../../src/host/directory.ts";
import { parseLdCache } from "../../../src/host/libraries/ld-cache.ts";
import { parseCpuInfo, parseOsRelease } from "../../../src/host/machine.ts";
import { parseLdConf, parseSystemDirs } from "../../../src/host/libraries/search-path.ts";

/** An ld.so.cache of the 1.1 format, behind an old table with `old` entries when that is given. */
function cacheBytes(
  entries: readonly (readonly [flags: number, name: string, path: string])[],
  old?: number,
): Uint8Array {
  const strings = entries.flatMap(([, name, path]) => [name, path]).map((text) => `${text}\0`);
  const header = Buffer.alloc(48 + entries.length * 24);
  header.write("glibc-ld.so.cache1.1");
  header.writeUInt32LE(entries.length, 20);
  let text = header.length;
  for (const [index, [flags]] of entries.entries()) {
    const at = 48 + index * 24;
    header.writeUInt32LE(flags, at);
    header.writeUInt32LE(text, at + 4);
    text += strings[index * 2]?.length ?? 0;
    header.writeUInt32LE(text, at + 8);
    text += strings[index * 2 + 1]?.length ?? 0;
  }
  const before = old === undefined ? Buffer.alloc(0) : Buffer.alloc(Math.ceil((16 + old * 12) / 8) * 8);
  if (old !== undefined) {
    before.write("ld.so-1.7.0");
    before.writeUInt32LE(old, 12);
  }
  return Buffer.concat([before, header, Buffer.from(strings.join(""))]);
}

describe("parseLdCache", () => {
  const entries = [
    [0x0303, "libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"],
    [0x0003, "libc.so.6", "/lib/i386-linux-gnu/libc.so.6"],
    [0x0a03, "libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6"],
  ] as const;

  it.each([undefined, 0, 3])("keeps the entries of one machine (old table: %s)", (old) => {
    const bytes = cacheBytes(entries, old);
    expect(parseLdCache(bytes, "x64")).toEqual([
      { name: "libc.so.6", path: "/lib/x86_64-linux-gnu/libc.so.6" },
    ]);
    expect(parseLdCache(bytes, "arm64")).toEqual([
      { name: "libc.so.6", path: "/lib/aarch64-linux-gnu/libc.so.6" },
    ]);
  });

  it("refuses what is damaged instead of making something up", () => {
    const whole = cacheBytes(entries);
    expect(parseLdCache(new Uint8Array(), "x64")).toBeUndefined();
    expect(
      parseLdCache(Buffer.from("no cache at all, just text that is long enough"), "x64"),
    ).toBeUndefined();
    expect(parseLdCache(whole.subarray(0, 60), "x64")).toBeUndefined();
    expect(parseLdCache(whole.subarray(0, whole.length - 5), "arm64")).toBeUndefined();
  });
});

it("reads ld.so.conf with comments, includes, old types and shared lines", () => {
  const text =
    "# local\ninclude ld.so.conf.d/*.conf  /opt/x.conf\n/usr/local/lib\n/a/lib=libc6, /b/lib # both\nrelative\n";
  expect(parseLdConf(text)).toEqual({
    includes: ["ld.so.conf.d/*.conf", "/opt/x.conf"],
    directories: ["/usr/local/lib", "/a/lib", "/b/lib"],
  });
});

it("finds the built-in directories of a loader, and none where there are none", () => {
  const debian = "/proc/\0x\0/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0more";
  expect(parseSystemDirs(Buffer.from(debian))).toEqual([
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib",
    "/usr/lib",
  ]);
  expect(parseSystemDirs(Buffer.from("\0/lib64/\0/usr/lib64/\0"))).toEqual(["/lib64", "/usr/lib64"]);
  expect(parseSystemDirs(Buffer.from("\0/proc/\0cmdline\0/"))).toBeUndefined();
});

describe("parseCpuInfo", () => {
  const v2 = "fpu cx8 cmov mmx fxsr sse sse2 syscall pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm";
  const v3 = `${v2} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave`;
  it.each([
    ["x86-64-v1", v2.replace(" popcnt", ""), 1],
    ["x86-64-v2", v2, 2],
    ["x86-64-v3", v3, 3],
    ["x86-64-v4", `${v3} avx512f avx512bw avx512cd avx512dq avx512vl`, 4],
  ])("knows %s", (_, flags, level) => {
    const text = `processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: ${flags}\nbugs\t\t: none\n`;
    expect(parseCpuInfo(text)?.level).toBe(level);
  });

  it("names arm64 features without a level, and nothing without the line", () => {
    const text = "processor\t: 0\nFeatures\t: fp asimd atomics\n";
    expect(parseCpuInfo(text)).toEqual({ features: ["fp", "asimd", "atomics"] });
    expect(parseCpuInfo("processor\t: 0\n")).toBeUndefined();
  });
});

it("reads os-release with and without quotes", () => {
  const text = `PRETTY_NAME="Alpine Linux v3.20"\nID=alpine\nVERSION_ID='3.20.1'\n`;
  expect(parseOsRelease(text)).toEqual({ id: "alpine", version: "3.20.1", name: "Alpine Linux v3.20" });
});

it("finds the mount of a path, its own options before those of the super block", () => {
  const mounts = parseMountInfo(
    [
      "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
      "22 21 0:30 / /tmp rw,nosuid,noexec - tmpfs tmpfs rw",
      String.raw`23 21 8:2 / /srv/with\040blank rw - ext4 /dev/sdb1 ro`,
      "24 21 0:31 / /tmp rw - tmpfs over rw",
    ].join("\n"),
  );
  expect(findMount(mounts, "/srv/with blank/app")).toMatchObject({ options: ["rw", "ro"] });
  expect(findMount(mounts, "/srv/with")).toMatchObject({ point: "/" });
  // Mounted over: the last one counts.
  expect(findMount(mounts, "/tmp/x")?.options).not.toContain("noexec");
});
