/** Rules about the file itself: container, processor, stack, registration. */
import { describe, expect, it } from "vitest";
import { createJudge } from "../../../src/compat/judge-files.ts";
import { elfImage, type ImageOptions } from "../../support/elf/elf-image.mjs";
import { factsLiteral, hostLiteral, known } from "../../support/compat/host-literal.mjs";
import { elf, GLIBC, judge, LIBC, NAPI, read, runtimeOf, type World } from "../../support/compat/world.ts";

const struct = (version: number): ImageOptions => ({
  symbols: [{ name: "node_module_register" }],
  nodeModule: { version, filename: "../src/a.cc", name: "a" },
});
const world = (kind: "bun" | "node", abi = 127): World => ({
  runtime: { kind, abi: known(abi), version: known(kind === "bun" ? "1.4.5" : "22.0.0") },
  runtimeImage: { symbols: [{ name: "node_module_register", defined: true }] },
});
const symbolOnly = (version: number): ImageOptions => ({
  symbols: [{ name: `node_register_module_v${version}`, defined: true }],
});
const versioned = (version: number): ImageOptions => ({
  symbols: [
    NAPI,
    {
      name: "node_api_module_get_api_version_v1",
      defined: true,
      code: Uint8Array.from([
        0xb8,
        version & 255,
        (version >> 8) & 255,
        (version >> 16) & 255,
        version >> 24,
        0xc3,
      ]),
    },
  ],
});

it("lets a plain Node-API module pass without a word", () => {
  const symbols = [
    NAPI,
    { name: "napi_create_function" },
    { name: "memcpy", version: "libc.so.6:GLIBC_2.14" },
  ];
  expect(judge({ symbols })).toEqual({ verdict: "ok", codes: [], findings: [] });
});

describe("what the file is", () => {
  it.each<[string, ImageOptions | Uint8Array, string, RegExp]>([
    ["text", Buffer.from("<html>not found</html>"), "ELF_MALFORMED", /a web page/],
    [
      "another machine",
      { machine: 183 },
      "HOST_UNSUPPORTED",
      /64-bit arm64 module; the runtime is 64-bit x64/,
    ],
    ["another class", { bits: 32, machine: 3 }, "HOST_UNSUPPORTED", /32-bit ia32/],
    ["another byte order", { little: false }, "HOST_UNSUPPORTED", /big-endian/],
    ["a FreeBSD module", { osabi: 9 }, "HOST_UNSUPPORTED", /FreeBSD/],
    ["a GNU module", { osabi: 3 }, "", /^/],
    ["a program", { type: 2 }, "MODULE_UNAVAILABLE", /a program/],
    ["a position-independent program", { flags1: 0x0800_0000 }, "MODULE_UNAVAILABLE", /a program/],
    ["an object file", { type: 1 }, "ELF_MALFORMED", /not linked/],
    ["no dynamic section", { dynamic: false }, "ELF_MALFORMED", /no dynamic section/],
  ])("refuses or takes %s", (_, image, code, what) => {
    const { codes, findings } = judge(image);
    expect(codes[0] ?? "").toBe(code);
    expect(findings[0]?.what ?? "").toMatch(what);
  });

  it("calls a cut-off file by its size, because the load would be a SIGBUS", () => {
    const image = elfImage({ needed: ["libc.so.6"], symbols: [NAPI] });
    // The loadable segment is said to be longer than the file; every table is still there.
    new DataView(image.buffer).setBigUint64(64 + 32, BigInt(image.length + 1), true);
    const { codes, findings } = judge(image);
    expect(codes).toEqual(["ELF_MALFORMED"]);
    expect(findings[0]?.what).toContain(`${image.length} of ${image.length + 1} bytes`);
  });

  it("compares alignment with this kernel's pages", () => {
    const facts = factsLiteral({ pageSize: known(65_536) });
    expect(judge({}, { facts }).codes).toEqual(["HOST_UNSUPPORTED"]);
    expect(judge({ align: 65_536 }, { facts }).codes).toEqual([]);
  });

  it("names the mount that forbids mapping", () => {
    const loader = elfImage({ soname: "ld-linux-x86-64.so.2" });
    const host = hostLiteral(read, { "/lib/libc.so.6": LIBC, [GLIBC]: loader });
    const file = elf({ needed: ["libc.so.6"], symbols: [NAPI] });
    const verdict = createJudge(host, runtimeOf({})).judge({ path: "/tmp/a.node", file, noexec: "/tmp" });
    expect(verdict.findings.map(({ code }) => code)).toEqual(["STORE_NOEXEC"]);
  });

  it("passes over what is somebody's library or program, but not a .node file", () => {
    const image = elfImage({ needed: ["libc.so.6"], soname: "libx.so.1" });
    expect(judge(image, {}, "/app/libx.so.1").verdict).toBe("skip");
    expect(judge(image, {}, "/app/libx.node")).toMatchObject({
      verdict: "fail",
      codes: ["MODULE_UNAVAILABLE"],
    });
  });
});

describe("processor and stack", () => {
  it("compares the declared level with this processor's, if that is known", () => {
    expect(judge({ isaLevel: 3 }).codes).toEqual(["CPU_TOO_OLD"]);
    expect(judge({ isaLevel: 2 }).codes).toEqual([]);
    const facts = factsLiteral({ cpu: { known: false, why: "hidden" } });
    expect(judge({ isaLevel: 4 }, { facts }).codes).toEqual([]);
  });

  it.each([
    ["2.40", "ok"],
    ["2.41", "fail"],
  ])("an executable stack on glibc %s: %s", (version, verdict) => {
    const facts = factsLiteral({
      loaders: [{ path: GLIBC, family: "glibc", version: known(version), arch: "x64" }],
    });
    expect(judge({ stack: "executable" }, { facts }).verdict).toBe(verdict);
    expect(judge({ stack: "plain" }, { facts }).verdict).toBe("ok");
  });
});

describe("registration", () => {
  it.each<[string, ImageOptions, World, string[]]>([
    ["a struct of the runtime's ABI", struct(127), world("node"), []],
    ["a struct of another ABI", struct(115), world("node"), ["ABI_MISMATCH"]],
    ["the same under Bun", struct(127), world("bun"), []],
    ["another under Bun", struct(115), world("bun"), ["ABI_MISMATCH"]],
    ["a symbol of the runtime's ABI", symbolOnly(127), world("node"), []],
    ["a symbol of another ABI", symbolOnly(115), world("node"), ["ABI_MISMATCH"]],
    ["a symbol alone under Bun", symbolOnly(127), world("bun"), ["ABI_MISMATCH"]],
    ["nothing", { symbols: [] }, world("node"), ["MODULE_UNAVAILABLE"]],
    ["nothing under Bun", { symbols: [] }, world("bun"), ["MODULE_UNAVAILABLE"]],
  ])("%s", (_, image, runtime, codes) => {
    expect(judge(image, runtime).codes).toEqual(codes);
  });

  it.each<[number, "bun" | "node", string[]]>([
    [9, "node", []],
    [10, "node", ["NAPI_TOO_NEW"]],
    [0x7fff_ffff, "node", []],
    [10, "bun", []],
  ])("Node-API %i under %s", (version, kind, codes) => {
    expect(judge(versioned(version), world(kind)).codes).toEqual(codes);
  });
});
