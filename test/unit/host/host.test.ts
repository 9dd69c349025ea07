/** Facts of this machine, of another root directory, and of a real Bun, checked against what those say themselves. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ElfFile } from "../../../src/elf/elf-file.ts";
import { captureHost, capturedRuntime, capturedView, parseCapturedHost } from "../../../src/host/captured.ts";
import { readDirectory } from "../../../src/host/directory.ts";
import { readHost } from "../../../src/host/host.ts";
import { hostRoot } from "../../../src/host/root.ts";
import { readRuntime } from "../../../src/host/runtime/runtime.ts";
import { readStubs } from "../../../src/host/runtime/libuv-stubs.ts";
import { elfImage } from "../../support/elf/elf-image.mjs";

const BUN = fileURLToPath(new URL("../../../node_modules/bun/bin/bun.exe", import.meta.url));
const linux = process.platform === "linux";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-host-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** A loader as its C library builds it, as far as the facts look: an ELF file with its banner in it. */
function loader(machine: number, text: string): Uint8Array {
  return Buffer.concat([elfImage({ machine }), Buffer.from(text, "latin1")]);
}

describe("another root directory", () => {
  it("follows its absolute links inside of it, and gives up on loops", () => {
    put("usr/lib/real.so", "inside");
    symlinkSync("/usr/lib", join(root, "lib"));
    symlinkSync("/lib/real.so", join(root, "usr/lib/alias.so"));
    symlinkSync("loop", join(root, "loop"));
    const host = hostRoot(root);
    expect(host.resolve("/lib/alias.so")).toBe("/usr/lib/real.so");
    expect(host.readText("/lib/alias.so")).toBe("inside");
    expect(host.resolve("/loop")).toBeUndefined();
    expect(host.resolve("/lib/../../../../lib/real.so")).toBe("/usr/lib/real.so");
    expect(host.readText("/nowhere")).toBeUndefined();
  });

  it("takes the C library from what /bin/sh asks for, not from loaders that lie about", () => {
    put(
      "lib64/ld-linux-x86-64.so.2",
      loader(62, "\0ld.so (Debian GLIBC 2.31-13) stable release version 2.31.\n\0/lib64/\0/usr/lib64/\0"),
    );
    put("usr/lib/ld-musl-x86_64.so.1", loader(62, "\x001.2.5\0musl libc (x86_64)\nVersion %s\n\0"));
    put("bin/sh", elfImage({ interpreter: "/lib/ld-musl-x86_64.so.1" }));
    put("etc/os-release", 'ID=alpine\nVERSION_ID=3.20\nPRETTY_NAME="Alpine"\n');
    put("etc/ld-musl-x86_64.path", "/lib:/opt/lib\n/usr/lib\n");
    const { facts } = readHost({ root, env: { LD_LIBRARY_PATH: "/x:/y;/z:", LD_PRELOAD: "a.so b.so" } });
    expect(facts.libc).toMatchObject({ known: true, value: { family: "musl", version: "1.2.5" } });
    expect(facts.loaders.map(({ family, version }) => ({ family, version }))).toMatchObject([
      { family: "glibc", version: { value: "2.31" } },
      { family: "musl", version: { value: "1.2.5" } },
    ]);
    expect(facts.search.systemDirs).toMatchObject({ value: ["/lib64", "/usr/lib64"] });
    expect(facts.search.muslPath).toMatchObject({ value: ["/lib", "/opt/lib", "/usr/lib"] });
    expect(facts.search.libraryPath).toEqual(["/x", "/y", "/z"]);
    expect(facts.search.preload).toEqual(["a.so", "b.so"]);
    expect(facts.system).toMatchObject({ value: { id: "alpine" } });
  });

  it("says unknown, with the reason, for what belongs to a running system", () => {
    const { facts } = readHost({ root, env: {} });
    for (const fact of [facts.cpu, facts.kernel, facts.pageSize, facts.search.cache]) {
      expect(fact).toMatchObject({ known: false, why: expect.stringMatching(/\w{4}/) });
    }
  });

  it("survives JSON, libraries and their versions included", () => {
    put(
      "opt/lib/libthing.so.1",
      elfImage({ soname: "libthing.so.1", symbols: [{ name: "made", defined: true, version: "THING_1" }] }),
    );
    symlinkSync("libthing.so.1", join(root, "opt/lib/libthing.so"));
    put("usr/lib/libc.so", "/* GNU ld script */");
    const live = readHost({ root, env: {} });
    const text = JSON.stringify(captureHost(live, hostRoot(root).list));
    const view = capturedView(parseCapturedHost(text, "facts.json"));
    expect(view.facts).toEqual(JSON.parse(JSON.stringify(live.facts)));
    const library = view.library("/opt/lib/libthing.so");
    if (library?.kind !== "elf") throw new Error("the library was lost");
    expect(library.versionDefinitions()).toEqual(["THING_1"]);
    expect(library.exports().has("made", "THING_1")).toBe(true);
    expect(library.exports().has("made", "THING_2")).toBe(false);
    expect(library.exports().has("unmade")).toBe(false);
    expect(view.identity("/opt/lib/libthing.so")).toBe("/opt/lib/libthing.so.1");
    expect(view.library("/usr/lib/libc.so")).toMatchObject({ kind: "other", what: "a linker script" });
  });

  it.each([
    ["{", /no JSON/],
    ["[]", /no JSON object/],
    ['{"schema":2}', /schema 2/],
    ['{"schema":1,"facts":{}}', /no libraries/],
    ['{"schema":1,"facts":{},"libraries":{},"links":{}}', /another shape/],
  ])("refuses %s as captured facts", (text, message) => {
    expect(() => parseCapturedHost(text, "facts.json")).toThrow(message);
  });
});

describe.skipIf(!linux)("this machine (skipped: not Linux)", () => {
  it("names its own C library, loader and page size", () => {
    const { facts } = readHost({ env: {}, arch: process.arch });
    const said = execFileSync("getconf", ["PAGE_SIZE"], { encoding: "utf8" }).trim();
    expect(facts.pageSize).toMatchObject({ value: Number(said) });
    const header: { glibcVersionRuntime?: string } = JSON.parse(
      JSON.stringify(process.report.getReport()),
    ).header;
    const expected = header.glibcVersionRuntime;
    expect(facts.libc).toMatchObject({
      known: true,
      value: expected === undefined ? { family: "musl" } : { family: "glibc", version: expected },
    });
  });

  it("describes a directory, and a missing one by its nearest parent", () => {
    const mounts = [{ point: "/", options: ["rw"], fileSystem: "ext4" }];
    const facts = readDirectory(join(root, "not", "yet"), mounts);
    expect(facts).toMatchObject({ mountPoint: "/", noexec: false, readOnly: false });
    expect(facts?.uid).toMatchObject({ known: true, value: process.getuid?.() });
  });
});

describe.skipIf(!linux || !existsSync(BUN))("a real Bun (skipped: no Linux build of it is installed)", () => {
  it("is known by the same versions that it reports when it runs", () => {
    const code = "console.log(JSON.stringify([process.versions.bun, process.versions.modules]))";
    const [version, abi]: [string, string] = JSON.parse(
      execFileSync(BUN, ["-e", code], { encoding: "utf8" }),
    );
    const { facts } = readRuntime(BUN);
    expect(facts).toMatchObject({ kind: "bun", version: { value: version }, abi: { value: Number(abi) } });
  });

  it("tells its libuv stubs from what it implements", () => {
    const runtime = readRuntime(BUN);
    // uv_mutex_lock is what node-addon-api's thread-safe functions need; Bun has said so since 1.2.
    expect(runtime.isStub("uv_mutex_lock")).toBe(false);
    expect(runtime.isStub("uv_spawn")).toBe(true);
    expect(runtime.isStub("napi_create_function")).toBe(false);
    expect(runtime.isStub("uv_no_such_function")).toBe(false);
    const file: ElfFile = runtime.file as ElfFile;
    expect(readStubs(file)).toContain("uv_spawn");
  });

  it("keeps its symbols and stubs through JSON", () => {
    const runtime = { ...readRuntime(BUN), stubs: ["uv_spawn"] };
    const text = JSON.stringify(captureHost(readHost({ root, env: {} }), () => [], runtime));
    const revived = capturedRuntime(parseCapturedHost(text, "facts.json"));
    expect(revived?.facts).toEqual(runtime.facts);
    expect(revived?.file.exports().has("napi_create_function")).toBe(true);
    expect(revived?.isStub("uv_spawn")).toBe(true);
    expect(revived?.isStub("uv_mutex_lock")).toBe(false);
  });

  it("refuses what is no executable", () => {
    put("text", "hello");
    expect(() => readRuntime(join(root, "text"))).toThrow(/not a Linux executable/);
    expect(() => readRuntime(join(root, "none"))).toThrow(/ENOENT/);
  });
});
