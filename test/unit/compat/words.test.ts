/** What people read and what the build writes down: explain, GANTRY_SKIP, requires. */
import { describe, expect, it } from "vitest";
import { installCommand, systemsWithGlibc } from "../../../src/compat/system-packages.ts";
import { explain } from "../../../src/compat/explain.ts";
import type { CompatFinding } from "../../../src/compat/compat-finding.ts";
import { deriveRequires } from "../../../src/compat/requires.ts";
import { downgradeVerdict, parseSkip } from "../../../src/compat/skip.ts";
import { bytesSource } from "../../../src/elf/bytes.ts";
import { readNativeFile, type ElfFile } from "../../../src/elf/elf-file.ts";
import { elfImage, type ImageOptions } from "../../support/elf/elf-image.mjs";
import { factsLiteral, known } from "../../support/compat/host-literal.mjs";

const host = factsLiteral();
const runtime = {
  kind: "bun" as const,
  path: "/app/brain",
  version: known("1.4.5"),
  abi: known(147),
  napi: { known: false as const, why: "Bun" },
};

describe("explain", () => {
  // The messages as glibc 2.36, musl 1.2.3, Node 18 to 26, Bun 1.4.5, dash and env print them.
  it.each<[string, string, RegExp]>([
    [
      "error: Cannot find module '@libsql/linux-x64-gnu' from '/app/brain'",
      "MODULE_UNAVAILABLE",
      /platform package @libsql\/linux-x64-gnu.*linux-x64-gnu/,
    ],
    ["Error: Cannot find module 'bcrypt'", "MODULE_UNAVAILABLE", /bcrypt is not installed/],
    [
      "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /app/x.node)",
      "LIBC_TOO_OLD",
      /\/app\/x\.node.*glibc 2\.38.*2\.36/,
    ],
    [
      "/lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /app/x.node)",
      "LIBRARY_MISSING",
      /libstdc\+\+\.so\.6 is older.*GLIBCXX_3\.4\.32/,
    ],
    ["Error: /app/x.node: invalid ELF header", "ELF_MALFORMED", /no Linux module/],
    ["Error: /app/x.node: wrong ELF class: ELFCLASS32", "HOST_UNSUPPORTED", /another processor/],
    [
      "Error: libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory",
      "LIBC_MISMATCH",
      /musl build/,
    ],
    ["Error: /usr/lib/x86_64-linux-gnu/libc.so: invalid ELF header", "LIBC_MISMATCH", /musl build/],
    [
      "Error loading shared library libstdc++.so.6: No such file or directory (needed by /app/x.node)",
      "LIBRARY_MISSING",
      /does not find libstdc\+\+\.so\.6/,
    ],
    [
      "Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by /app/x.node)",
      "LIBC_MISMATCH",
      /built for glibc/,
    ],
    [
      "Error relocating /app/x.node: __memcpy_chk: symbol not found",
      "SYMBOL_MISSING",
      /__memcpy_chk, which musl does not have/,
    ],
    [
      "The module '/app/x.node' was compiled against a different Node.js version using NODE_MODULE_VERSION 108. This version",
      "ABI_MISMATCH",
      /108; bun 1\.4\.5 has 147/,
    ],
    ["NODE_MODULE_VERSION 115. This version of Node.js requires", "ABI_MISMATCH", /115/],
    ["Error: Module did not self-register: '/app/x.node'.", "MODULE_UNAVAILABLE", /never registered/],
    ["Error: /tmp/x.node: failed to map segment from shared object", "STORE_NOEXEC", /noexec/],
    [
      "Error: EACCES: permission denied, open '/app/node_modules/bcrypt/x.node'",
      "PERMISSION_DENIED",
      /\/app\/node_modules\/bcrypt\/x\.node.*root/,
    ],
    ["Illegal instruction (core dumped)", "CPU_TOO_OLD", /lacks an instruction/],
    ["sh: 1: node: not found", "EXEC_FAILED", /this host has none/],
    ["/usr/bin/env: 'node': No such file or directory", "EXEC_FAILED", /this host has none/],
    ["bash: line 1: npm: command not found", "EXEC_FAILED", /this host has none/],
    [
      "libusb-1.0.so.0: cannot open shared object file: No such file or directory",
      "LIBRARY_MISSING",
      /needs libusb-1\.0\.so\.0/,
    ],
    [
      "node: symbol lookup error: /app/x.node: undefined symbol: SSL_library_init",
      "SYMBOL_MISSING",
      /SSL_library_init/,
    ],
    [
      "/app/x.node: undefined symbol: _ZN2v85Array3NewEPNS_7IsolateEi",
      "SYMBOL_MISSING",
      /bun 1\.4\.5 does not have/,
    ],
    ["/app/x.node: cannot allocate memory in static TLS block", "MODULE_UNAVAILABLE", /thread-local/],
  ])("%s", (text, code, cause) => {
    const [answer, ...others] = explain(`at startup:\n  ${text}\n    at Object.<anonymous> (/app/a.js:1:1)`, {
      host,
      runtime,
    });
    expect(answer).toMatchObject({ code, cause: expect.stringMatching(cause), quote: text });
    expect(answer?.fix).not.toBe("");
    expect(others).toEqual([]);
  });

  it("answers several messages, each once, and nothing it does not know", () => {
    const text = "x.node: invalid ELF header\ny.node: invalid ELF header\nsh: 1: node: not found\n";
    expect(explain(text, { host }).map(({ code }) => code)).toEqual(["ELF_MALFORMED", "EXEC_FAILED"]);
    expect(explain("everything is fine\n")).toEqual([]);
    expect(explain("")).toEqual([]);
  });
});

it.each([
  ["debian", "libgomp.so.1", "apt-get install libgomp1"],
  ["alpine", "libstdc++.so.6", "apk add libstdc++"],
  ["fedora", "libatomic.so.1", "dnf install libatomic"],
  ["alpine", "libodd.so.3", "find its package with: apk search so:libodd.so.3"],
  ["plan9", "libz.so.1", "install the package that contains libz.so.1"],
])("names the command on %s that brings %s", (id, library, command) => {
  const facts = factsLiteral({ system: known({ id, version: "", name: "" }) });
  expect(installCommand(library, facts)).toBe(command);
});

it("knows which systems have a glibc, and when none does", () => {
  expect(systemsWithGlibc("2.28")).toMatch(/Debian 10/);
  expect(systemsWithGlibc("2.29")).toMatch(/Debian 11/);
  expect(systemsWithGlibc("3.0")).toBeUndefined();
});

const finding = (code: CompatFinding["code"]): CompatFinding => ({
  code,
  severity: "error",
  file: "/a.node",
  what: "it fails",
  evidence: "",
  fix: "",
});

describe("GANTRY_SKIP", () => {
  it("makes warnings of the named codes, says so, and leaves the others", () => {
    const skip = parseSkip(" CPU_TOO_OLD ,, SYMBOL_MISSING");
    const fail = { path: "/a.node", verdict: "fail" as const, findings: [finding("CPU_TOO_OLD")] };
    expect(downgradeVerdict(fail, skip)).toMatchObject({
      verdict: "warn",
      findings: [{ severity: "warning", downgraded: true, what: "it fails (skipped by GANTRY_SKIP)" }],
    });
    const both = { ...fail, findings: [finding("CPU_TOO_OLD"), finding("ABI_MISMATCH")] };
    expect(downgradeVerdict(both, skip).verdict).toBe("fail");
    expect(parseSkip(undefined).size).toBe(0);
  });

  it("refuses a code that does not exist", () => {
    expect(() => parseSkip("CPU_OLD")).toThrow(/CPU_OLD, which is no finding code/);
  });
});

const shipped = (name: string, options: ImageOptions, fileName = `${name}.node`) => {
  const file = readNativeFile(bytesSource(elfImage({ needed: ["libc.so.6"], ...options })));
  return { name, fileName, file: file as ElfFile };
};
const libc = (version: string) => ({ name: `f_${version}`, version: `libc.so.6:GLIBC_${version}` });

describe("deriveRequires", () => {
  const napi = { name: "napi_register_module_v1", defined: true };

  it("takes the highest floor of each kind and names who sets it", () => {
    const requires = deriveRequires(
      [
        shipped("brain", { symbols: [libc("2.17")] }),
        shipped("one", { symbols: [napi, libc("2.9"), libc("2.28")], isaLevel: 3 }),
        shipped("two", { symbols: [napi, libc("2.28")], needed: ["libc.so.6", "libz.so.1", "libtwo.so"] }),
        shipped("two", { soname: "libtwo.so" }, "libtwo.so.1.2"),
        shipped("locked", { symbols: [{ name: "node_register_module_v127", defined: true }] }),
        shipped("weak", { symbols: [libc("2.99")], weakVersions: ["GLIBC_2.99"] }),
        shipped("for musl", { needed: ["libc.musl-x86_64.so.1"], isaLevel: 4 }),
        shipped("arm", { machine: 183, symbols: [libc("2.40")] }),
      ],
      { arch: "x64", libc: "glibc" },
    );
    expect(requires).toEqual({
      arch: "x64",
      libc: "glibc",
      glibc: { value: "2.28", by: ["one", "two"] },
      cpuLevel: { value: 3, by: ["one"] },
      abi: [{ value: 127, by: ["locked"] }],
      napi: { value: 8, by: ["one", "two"] },
      libraries: [{ value: "libz.so.1", by: ["two"] }],
    });
  });

  it("asks of musl only what its files need", () => {
    const files = [
      shipped("a", { needed: ["libc.musl-x86_64.so.1"], packed: true, symbols: [napi] }),
      shipped("glibc build", { symbols: [libc("2.40")] }),
    ];
    const requires = deriveRequires(files, { arch: "x64", libc: "musl" });
    expect(requires).toMatchObject({ musl: { value: "1.2.4", by: ["a"] }, libraries: [] });
    expect(requires).not.toHaveProperty("glibc");
  });
});
