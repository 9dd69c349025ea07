/** Releases on their way into releases/: what gets in is whole, what does not leaves nothing and has run nothing. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GantryError } from "../../../src/base/errors.ts";
import { parseTarget } from "../../../src/release/targets.ts";
import type { ServiceContext } from "../../../src/service/service-context.ts";
import { serviceLayout } from "../../../src/service/service-layout.ts";
import type { Source } from "../../../src/service/releases/import/release-source.ts";
import { importRelease } from "../../../src/service/releases/import-release.ts";
import { openTrust } from "../../../src/service/keys/trust.ts";

/** A public key of minisign's own documentation. */
const KEY = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

let root = "";
let context: ServiceContext;
let announced: [string, boolean][] = [];
let warnings: string[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-place-"));
  announced = [];
  warnings = [];
  context = {
    layout: serviceLayout("app", join(root, "host")),
    own: { root: "", name: "app", binary: "app", target: parseTarget("linux-x64-gnu") },
    environment: {},
    reporter: {
      step: () => undefined,
      progress: () => undefined,
      warn: (text) => warnings.push(text),
      debug: () => undefined,
    },
    signal: new AbortController().signal,
    uid: 0,
    who: { user: "root", uid: 0 },
    requireLock: () => undefined,
    host: "booting",
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Made {
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** What its launcher does when it is asked to prepare, in sh; it always leaves the file `ran` behind. */
  readonly prepare?: string;
}

/** A release with a launcher of one line, and its sums. */
function make({ manifest, prepare = "exit 0" }: Made = {}): string {
  const release = join(root, "app-v1.2.3");
  const files: Record<string, string> = {
    "lib/release.json": JSON.stringify({
      name: "app",
      version: "1.2.3",
      binary: "app",
      target: "linux-x64-gnu",
      service: { user: "app" },
      ...manifest,
    }),
    gantry: `#!/bin/sh\n: > '${root}/ran'\n${prepare}\n`,
    "docs/a b.txt": "words",
  };
  let sums = "";
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(release, path)), { recursive: true });
    writeFileSync(join(release, path), text, { mode: path === "gantry" ? 0o755 : 0o600 });
    sums += `${createHash("sha256").update(text).digest("hex")}  ${path}\n`;
  }
  writeFileSync(join(release, "SHA256SUMS"), sums);
  return release;
}

function pack(release: string, ...others: string[]): string {
  const file = `${release}.tar.gz`;
  const names = [release, ...others].map((path) => path.slice(root.length + 1));
  execFileSync("tar", ["-C", root, "-czf", file, ...names]);
  return file;
}

const place = (source: Source, publicKey?: string) =>
  importRelease(
    context,
    source,
    openTrust(context.layout, undefined, { publicKey }),
    async (generation, created) => {
      announced.push([generation, created]);
    },
  );

async function expectRefused(source: Source, code: string, publicKey?: string): Promise<GantryError> {
  const error: unknown = await place(source, publicKey).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GantryError);
  expect((error as GantryError).findings[0].code).toBe(code);
  expect(readdirSync(context.layout.releases)).toEqual([]);
  return error as GantryError;
}

async function expectNotRun(source: Source, code: string, publicKey?: string): Promise<GantryError> {
  const error = await expectRefused(source, code, publicKey);
  expect(hasRun()).toBe(false);
  return error;
}

const hasRun = () => existsSync(join(root, "ran"));

describe("a directory", () => {
  it("comes in as SHA256SUMS lists it, and nothing else of what lies there", async () => {
    const digest = createHash("sha256").update("1").digest("hex");
    const files = { "index.js": [1, digest], "tool.sh": [1, digest, "x"], "changed.js": [1, digest] };
    const release = make({ manifest: { modules: { a: { files } } } });
    writeFileSync(join(release, ".env"), "TOKEN=secret");
    for (const path of [".gantry", "a", "planted"])
      mkdirSync(join(release, "node_modules", path), { recursive: true });
    writeFileSync(join(release, "node_modules/a/index.js"), "1", { mode: 0o777 });
    writeFileSync(join(release, "node_modules/a/tool.sh"), "1", { mode: 0o600 });
    writeFileSync(join(release, "node_modules/a/changed.js"), "2");
    writeFileSync(join(release, "node_modules/planted/index.js"), "1");
    writeFileSync(join(release, "node_modules/planted\u001b[2J.js"), "1");
    const { candidate, created } = await place({ kind: "directory", root: release });
    expect(created).toBe(true);
    expect(candidate.generation).toMatch(/^1\.2\.3-[0-9a-f]{12}$/);
    expect(announced).toEqual([
      [candidate.generation, false],
      [candidate.generation, true],
    ]);
    expect(readdirSync(context.layout.releases)).toEqual([candidate.generation]);
    const found = readdirSync(candidate.root, { recursive: true }).map(String);
    expect(found.toSorted()).toEqual(
      [
        "SHA256SUMS",
        "docs",
        "docs/a b.txt",
        "gantry",
        "lib",
        "lib/release.json",
        "node_modules",
        "node_modules/a",
        "node_modules/a/index.js",
        "node_modules/a/tool.sh",
      ].toSorted(),
    );
    expect(warnings).toEqual([
      `left 4 entries of ${release} that are no part of the release: .env, node_modules/planted/, node_modules/planted\u{fffd}[2J.js, …`,
    ]);
    expect(lstatSync(join(candidate.root, "node_modules/a/index.js")).mode & 0o7777).toBe(0o644);
    expect(lstatSync(join(candidate.root, "node_modules/a/tool.sh")).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(candidate.root, "docs/a b.txt")).mode & 0o777).toBe(0o644);
    expect(lstatSync(join(candidate.root, "gantry")).mode & 0o777).toBe(0o755);
  });

  it("that is there already is prepared again, and nothing more", async () => {
    const release = make();
    await place({ kind: "directory", root: release });
    rmSync(join(root, "ran"));
    const { created } = await place({ kind: "directory", root: release });
    expect(created).toBe(false);
    expect(hasRun()).toBe(true);
  });

  it("whose launcher finds something wrong is refused in that launcher's words", async () => {
    const prepare =
      "printf 'gantry: LIBC_TOO_OLD: x needs more\\n  file  x.node\\n  fix   take musl\\n' >&2; exit 69";
    const error = await expectRefused({ kind: "directory", root: make({ prepare }) }, "LIBC_TOO_OLD");
    expect(error.findings).toEqual([
      { code: "LIBC_TOO_OLD", what: "x needs more", where: "x.node", fix: "take musl" },
    ]);
  });

  it("whose launcher dies without a word is refused too", async () => {
    const error = await expectRefused(
      { kind: "directory", root: make({ prepare: "echo oh >&2; kill -9 $$" }) },
      "MODULE_UNAVAILABLE",
    );
    expect(error.findings[0].detail).toEqual(["oh"]);
  });

  it("that only a later gantry understands in full is no obstacle", async () => {
    const manifest = { schema: 7, novelty: { deep: true }, service: { user: "app", wings: 2 } };
    expect((await place({ kind: "directory", root: make({ manifest }) })).created).toBe(true);
  });
});

describe("refused before any of it has run", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["another C library's", { target: "linux-x64-musl" }, "LIBC_MISMATCH"],
    ["another machine's", { target: "linux-arm64-gnu" }, "HOST_UNSUPPORTED"],
    ["one for a target that nobody knows", { target: "plan9-x64" }, "HOST_UNSUPPORTED"],
    ["another app's", { name: "other" }, "USAGE"],
    ["one without a service", { service: undefined }, "MANIFEST_INVALID"],
    ["one whose version leads elsewhere", { version: "../../1" }, "MANIFEST_INVALID"],
  ])("%s", async (_, manifest, code) => {
    const release = make({ manifest });
    await expectNotRun({ kind: "directory", root: release }, code);
    await expectNotRun({ kind: "archive", file: pack(release) }, code);
  });

  it("an archive in which a byte differs, or with a file too many", async () => {
    const release = make();
    appendFileSync(join(release, "docs/a b.txt"), "!");
    await expectNotRun({ kind: "archive", file: pack(release) }, "DIGEST_MISMATCH");
    writeFileSync(join(release, "docs/a b.txt"), "words");
    writeFileSync(join(release, "more"), "");
    await expectNotRun({ kind: "archive", file: pack(release) }, "DIGEST_MISMATCH");
  });

  it("an archive of two directories, or of no release", async () => {
    const release = make();
    mkdirSync(join(root, "other"));
    await expectNotRun({ kind: "archive", file: pack(release, join(root, "other")) }, "ARCHIVE_UNSAFE");
    await expectNotRun({ kind: "archive", file: pack(join(root, "other")) }, "RELEASE_FILE_MISSING");
  });

  it("what is not signed where a key is pinned, whatever its sums say", async () => {
    const release = make();
    const directory = await expectNotRun({ kind: "directory", root: release }, "SIGNATURE_INVALID", KEY);
    expect(directory.findings[0].where).toBe(join(release, "SHA256SUMS.minisig"));
    const file = pack(release);
    const archive = await expectNotRun({ kind: "archive", file }, "SIGNATURE_INVALID", KEY);
    expect(archive.findings[0].where).toBe(`${file}.minisig`);
    writeFileSync(`${file}.minisig`, readFileSync(join(release, "SHA256SUMS")));
    await expectNotRun({ kind: "archive", file }, "SIGNATURE_INVALID", KEY);
  });
});
