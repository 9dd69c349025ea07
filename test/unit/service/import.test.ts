/** Taking a release out of a directory that somebody hostile owns. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  BUNDLE,
  CODE,
  digest,
  makeHostile,
  SECRET,
  SIGNATURE,
  sumsOf,
  type HostileRelease,
} from "../../support/service/hostile.ts";

let release: HostileRelease;
beforeEach(() => {
  release = makeHostile();
});
afterEach(() => release.dispose());

const expectRefused = (code: string, what: RegExp) => release.expectRefused(code, what);
const open = (path: string, mode: number) => () => chmodSync(release.at(path), mode);
const fifo = (path: string) => expect(spawnSync("mkfifo", [release.at(path)]).status).toBe(0);

describe("what is taken", () => {
  it.each(["foreign", "private"] as const)(
    "is what the sums and the manifest name (%s)",
    async (ownership) => {
      release.put(`${BUNDLE}.minisig`, SIGNATURE);
      release.put("SHA256SUMS.minisig", SIGNATURE);
      release.put("notes.txt", "");
      release.put("docs/more/x", "");
      release.put("vendor/other.minisig", SIGNATURE);
      release.put("node_modules/bufferutil/index.js", "evil");
      release.put("node_modules/@matrix-org/x/index.js", "evil");
      release.put("node_modules/ws/node_modules/y/index.js", "evil");
      release.put("node_modules/y.js", "evil");
      release.put("node_modules/.gantry/stamp", "");
      symlinkSync("/etc", release.at("node_modules/etc"));
      const { to, left, listing } = await release.take(ownership);
      const expected = [
        "SHA256SUMS",
        "SHA256SUMS.minisig",
        "app",
        "docs/a.txt",
        "empty",
        "lib/app",
        "lib/release.json",
        "node_modules/ws/index.js",
        BUNDLE,
        `${BUNDLE}.minisig`,
      ];
      expect(listing.files.toSorted()).toEqual(expected.toSorted());
      const entries = readdirSync(to, { recursive: true, withFileTypes: true });
      const found = entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(to.length + 1));
      expect(found.toSorted()).toEqual(expected.toSorted());
      expect(left.toSorted()).toEqual(
        [
          "docs/more/",
          "node_modules/@matrix-org/",
          "node_modules/bufferutil/",
          "node_modules/etc",
          "node_modules/ws/node_modules/",
          "node_modules/y.js",
          "notes.txt",
          "vendor/other.minisig",
        ].toSorted(),
      );
      const modes = Object.fromEntries(
        expected.map((path) => [path, lstatSync(join(to, path)).mode & 0o7777] as const),
      );
      expect(Object.keys(modes).filter((path) => modes[path] === 0o755)).toEqual(["app", "lib/app"]);
      expect(new Set(Object.values(modes))).toEqual(new Set([0o755, 0o644]));
      expect(listing.directories.at(-1)).toBe("");
      expect(new Set(listing.directories)).toEqual(
        new Set(["docs", "lib", "vendor", "node_modules", "node_modules/ws", ""]),
      );
    },
  );

  it("keeps no mode of the source: neither setuid nor unreadable", async () => {
    chmodSync(release.at("app"), 0o4777);
    chmodSync(release.at("docs/a.txt"), 0o7777);
    const { to } = await release.take();
    expect(lstatSync(join(to, "app")).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(to, "docs/a.txt")).mode & 0o7777).toBe(0o644);
  });
});

describe("a trick is refused, or its file left, and nothing waits for it:", () => {
  const minisig = `${BUNDLE}.minisig`;

  it.each<[string, () => void]>([
    ["a link to a secret", () => symlinkSync(release.secret, release.at(minisig))],
    ["a hard link to a secret", () => linkSync(release.secret, release.at(minisig))],
    ["a FIFO", () => fifo(minisig)],
    ["a directory", () => mkdirSync(release.at(minisig))],
    ["a link to a device", () => symlinkSync("/dev/zero", release.at(minisig))],
    ["a file without an end", () => (release.put(minisig, ""), truncateSync(release.at(minisig), 2 ** 40))],
  ])("in place of a bundle's signature, %s", async (_, plant) => {
    plant();
    const { to, left } = await release.take();
    expect(existsSync(join(to, minisig))).toBe(false);
    expect(left.map((path) => path.replace(/\/$/, ""))).toEqual([minisig]);
    release.expectNoSecret();
  });

  it.each<[string, string, () => void, RegExp]>([
    [
      "a link to the same file",
      "docs/a.txt",
      () => symlinkSync(release.secret, release.at("docs/a.txt")),
      /no regular file/,
    ],
    [
      "a hard link to a secret",
      "docs/a.txt",
      () => linkSync(release.secret, release.at("docs/a.txt")),
      /not the file/,
    ],
    ["a FIFO", "docs/a.txt", () => fifo("docs/a.txt"), /no regular file/],
    ["a directory", "docs/a.txt", () => mkdirSync(release.at("docs/a.txt")), /no regular file/],
    [
      "a link in place of its directory",
      "docs",
      () => symlinkSync(join(release.root, "moved"), release.at("docs")),
      /no regular file/,
    ],
    ["a file in place of its directory", "docs", () => release.put("docs", ""), /no regular file/],
    [
      "a link to the sums",
      "SHA256SUMS",
      () => symlinkSync(join(release.root, "moved"), release.at("SHA256SUMS")),
      /no regular file/,
    ],
    ["a FIFO for the sums' signature", "none", () => fifo("SHA256SUMS.minisig"), /no regular file/],
  ])("in place of a listed file, %s", async (_, path, plant, what) => {
    if (existsSync(release.at(path))) renameSync(release.at(path), join(release.root, "moved"));
    plant();
    await expectRefused("DIGEST_MISMATCH", what);
  });

  it("a socket", async () => {
    rmSync(release.at("docs/a.txt"));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(release.at("docs/a.txt"), resolve));
    await expectRefused("DIGEST_MISMATCH", /no regular file/);
    server.close();
  });

  it.runIf(process.getuid?.() === 0)("a device", async () => {
    rmSync(release.at("docs/a.txt"));
    expect(spawnSync("mknod", [release.at("docs/a.txt"), "c", "1", "5"]).status).toBe(0);
    await expectRefused("DIGEST_MISMATCH", /no regular file/);
  });

  it("a file that is missing", async () => {
    rmSync(release.at("docs/a.txt"));
    await expectRefused("RELEASE_FILE_MISSING", /docs\/a\.txt is not there/);
  });

  it.each([
    ["one above", "../secret"],
    ["an absolute one", "/etc/passwd"],
    ["one that goes through its own directory", "docs/./a.txt"],
    ["one twice", "docs/a.txt"],
    ["itself", "SHA256SUMS"],
  ])("sums that name %s", async (_, path) => {
    writeFileSync(
      release.at("SHA256SUMS"),
      `${readFileSync(release.at("SHA256SUMS"), "utf8")}${digest(SECRET)}  ${path}\n`,
    );
    await expectRefused("DIGEST_MISMATCH", /SHA256SUMS/);
  });

  it("a manifest whose modules lead elsewhere", async () => {
    const files = { "../../../secret": [SECRET.length, digest(SECRET)] };
    const text = JSON.stringify({ modules: { ws: { files } } });
    release.put("lib/release.json", text);
    release.put("SHA256SUMS", sumsOf({ "lib/release.json": text }));
    const { listing } = await release.take();
    expect(listing.files.toSorted()).toEqual(["SHA256SUMS", "lib/release.json"]);
  });

  it("a module that is a link, or another file of the same size", async () => {
    renameSync(release.at("node_modules/ws/index.js"), join(release.root, "moved"));
    symlinkSync(join(release.root, "moved"), release.at("node_modules/ws/index.js"));
    expect((await release.take()).left).toEqual(["node_modules/"]);
    rmSync(release.at("node_modules/ws/index.js"));
    release.put("node_modules/ws/index.js", CODE.replace("1", "2"));
    const { to, left } = await release.take();
    expect(left).toEqual(["node_modules/"]);
    expect(existsSync(join(to, "node_modules/ws/index.js"))).toBe(false);
  });

  it("a node_modules that is a link", async () => {
    renameSync(release.at("node_modules"), join(release.root, "moved"));
    symlinkSync(join(release.root, "moved"), release.at("node_modules"));
    expect((await release.take()).left).toEqual(["node_modules"]);
  });
});

describe("with owners named, what others could change is refused:", () => {
  const me = new Set([process.getuid?.() ?? 0]);
  it.each<[string, () => void]>([
    ["a file that the group can write", open("docs/a.txt", 0o664)],
    ["a directory that all can write", open("docs", 0o777)],
    ["a release that all can write", open(".", 0o1777)],
  ])("%s", async (_, plant) => {
    expect((await release.take("foreign", me)).left).toEqual([]);
    plant();
    const error: unknown = await release.take("foreign", me).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ findings: [{ code: "STORE_UNSAFE" }] });
  });

  it("a stranger's", async () => {
    await expect(release.take("foreign", new Set([4242]))).rejects.toMatchObject({
      findings: [{ code: "STORE_UNSAFE" }],
    });
  });
});
