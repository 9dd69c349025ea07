/** Bundles as tar, zstd, gzip and sha256sum see them: what they list comes from the files, not from gantry. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { packBundle } from "../../../../src/build/bundle/pack.ts";
import { parseBundleHead, type Compression } from "../../../../src/release/bundle-head.ts";
import { treeDigest, type Manifest } from "../../../../src/release/manifest.ts";
import { parseTarget } from "../../../../src/release/targets.ts";
import { digestOfFiles, readTreeEntry, readTreeFiles } from "../../../../src/release/tree.ts";
import { BUN_PATH, findingsOf, makeDirectory, SCRATCH } from "../../../support/build/scratch.ts";

const LONG = `deep/${"long-directory-name/".repeat(12)}end.js`;
const CONTENTS: Readonly<Record<string, string>> = {
  "@scope/first/index.js": "exports.one = 1;\n",
  "@scope/first/LICENSE": "free\n",
  "second/build/second.node": "not really a native file".repeat(100),
  "second/empty.js": "",
  [`second/${LONG}`]: "far away\n",
  "second/späte.js": "umlaut\n",
};

/** A node_modules with these files, a program and a link, written in the given order. */
function makeModules(order: (paths: string[]) => string[], time: number): string {
  const directory = join(makeDirectory(), "node_modules");
  for (const path of order(Object.keys(CONTENTS))) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, CONTENTS[path] ?? "");
    utimesSync(file, time, time);
  }
  chmodSync(join(directory, "second/build/second.node"), 0o755);
  symlinkSync("build/second.node", join(directory, "second/link.node"));
  return directory;
}

function modulesOf(directory: string): Manifest["modules"] {
  const describeModule = (name: string): Manifest["modules"][string] => {
    const root = join(directory, name);
    const files = Object.fromEntries(
      readTreeFiles(root).map((file) => [file.path, [...readTreeEntry(root, file)]]),
    ) as Manifest["modules"][string]["files"];
    return { name, version: "1.0.0", neededBy: [name], files, digest: digestOfFiles(files) };
  };
  return { "@scope/first": describeModule("@scope/first"), second: describeModule("second") };
}

function pack(directory: string, compression: Compression, modules = modulesOf(directory)) {
  const file = join(makeDirectory(), "bundle");
  return packBundle({
    name: "app",
    version: "1.0.0",
    target: parseTarget("linux-x64-gnu"),
    modules,
    directory,
    compression,
    compressor: { executable: BUN_PATH, environment: {}, scratch: SCRATCH },
    file,
  });
}

/** Lines of `tar -tv`: mode, owner, size, date and time, name. */
const listing = (tar: Buffer): string[][] =>
  execFileSync("tar", ["-tvf", "-", "--numeric-owner", "--quoting-style=literal", "--utc"], {
    input: tar,
    encoding: "utf8",
  })
    .trim()
    .split("\n")
    .map((line) => line.split(/\s+/));

const UNPACK: Readonly<Record<Compression, (file: string) => Buffer>> = {
  zst: (file) => execFileSync(BUN_PATH, ["-e", SCRIPT, file], { env: {}, maxBuffer: 1 << 26 }),
  gz: (file) => execFileSync("gzip", ["-dc", file]),
};
const SCRIPT =
  'process.stdout.write(require("node:zlib").zstdDecompressSync(require("node:fs").readFileSync(process.argv[1])))';

describe.each(["zst", "gz"] as const)("a bundle in %s", (compression) => {
  it("lists and unpacks to the files it was made of, by tar's own judgement", async () => {
    const directory = makeModules((paths) => paths, 1_700_000_000);
    const packed = await pack(directory, compression);
    const tar = UNPACK[compression](packed?.file ?? "");
    expect(tar).toHaveLength(packed?.description.unpacked ?? 0);
    const lines = listing(tar);
    const names = lines.map((line) => line[5]);
    expect(names.toSorted()).toEqual([...Object.keys(CONTENTS), "second/link.node"].toSorted());
    expect(names).toEqual(names.toSorted());
    for (const [mode, owner, , date] of lines) {
      expect([owner, date]).toEqual(["0/0", "1980-01-01"]);
      expect(mode).toMatch(/^(?:-rw-r--r--|-rwxr-xr-x|l.*)$/);
    }
    const out = makeDirectory();
    execFileSync("tar", ["-xf", "-", "-C", out, "--no-same-owner"], { input: tar });
    for (const [path, text] of Object.entries(CONTENTS))
      expect(readFileSync(join(out, path), "utf8")).toBe(text);
    expect(readlinkSync(join(out, "second/link.node"))).toBe("build/second.node");
    expect(execFileSync("find", [out, "-perm", "755", "-type", "f"], { encoding: "utf8" })).toBe(
      `${out}/second/build/second.node\n`,
    );
  });

  it("is the same again from another directory, made in another order at another time", async () => {
    const first = await pack(
      makeModules((paths) => paths, 1_000_000_000),
      compression,
    );
    const second = await pack(
      makeModules((paths) => paths.toReversed(), 1_700_000_000),
      compression,
    );
    expect(readFileSync(first?.file ?? "").equals(readFileSync(second?.file ?? ""))).toBe(true);
  });

  it("says what it is and what the manifest must say of it", async () => {
    const directory = makeModules((paths) => paths, 1_700_000_000);
    const packed = await pack(directory, compression);
    const bytes = readFileSync(packed?.file ?? "");
    expect(packed?.description).toMatchObject({ compression, size: bytes.length });
    const said = execFileSync("sha256sum", [packed?.file ?? ""], { encoding: "utf8" });
    expect(said.slice(0, 64)).toBe(packed?.description.sha256);
    expect(parseBundleHead(bytes)).toEqual({
      schema: 1,
      name: "app",
      version: "1.0.0",
      target: "linux-x64-gnu",
      tree: treeDigest(modulesOf(directory)),
    });
  });
});

it("takes no file that is not the release's", async () => {
  const directory = makeModules((paths) => paths, 1_700_000_000);
  const modules = modulesOf(directory);
  writeFileSync(join(directory, "second/empty.js"), "full");
  const [finding] = await findingsOf(() => pack(directory, "gz", modules));
  expect(finding).toMatchObject({ code: "DIGEST_MISMATCH", where: join(directory, "second/empty.js") });
});

it("is nothing for a release without modules", async () => {
  expect(await pack(makeDirectory(), "zst", {})).toBeUndefined();
});
