/** Symbols and thread-local storage under glibc, and defects of runtimes. */
import { describe, expect, it } from "vitest";
import { elfImage } from "../../support/elf/elf-image.mjs";
import { known } from "../../support/compat/host-literal.mjs";
import { judge, NAPI } from "../../support/compat/world.ts";

describe("symbols", () => {
  it.each([
    ["eager", "got", false, "fail"],
    ["lazy", "slot", false, "warn"],
    ["weak", "got", true, "ok"],
  ] as const)("an %s one that nobody has", (_, relocation, weak, verdict) => {
    const answer = judge({ symbols: [NAPI, { name: "SSL_gone", relocation, weak }] });
    expect(answer.verdict).toBe(verdict);
    expect(answer.findings.flatMap(({ symbols = [] }) => symbols)).toEqual(
      verdict === "ok" ? [] : ["SSL_gone"],
    );
  });

  it("takes a symbol from the runtime, its libraries and the module's own", () => {
    const files = {
      "/app/liby.so": elfImage({ soname: "liby.so", symbols: [{ name: "of_y", defined: true }] }),
    };
    const symbols = ["napi_create_function", "malloc", "of_y"].map((name) => ({
      name,
      relocation: "got" as const,
    }));
    expect(
      judge({ needed: ["liby.so"], runpath: "$ORIGIN", symbols: [NAPI, ...symbols] }, { files }).codes,
    ).toEqual([]);
  });

  it("checks what shipped libraries take, too, and says whose need it is", () => {
    const files = {
      "/app/liby.so": elfImage({ soname: "liby.so", symbols: [{ name: "gone", relocation: "got" }] }),
    };
    const { findings } = judge({ needed: ["liby.so"], runpath: "$ORIGIN" }, { files });
    expect(findings[0]?.what).toMatch(/\(in liby\.so\).*gone/);
  });

  it("warns under Bun of functions that only abort, and not under Node", () => {
    const runtimeImage = { symbols: [{ name: "uv_spawn", defined: true }] };
    const symbols = [NAPI, { name: "uv_spawn" }];
    const bun = {
      runtimeImage,
      stubs: ["uv_spawn"],
      runtime: { kind: "bun" as const, version: known("1.4.5") },
    };
    expect(judge({ symbols }, bun)).toMatchObject({ verdict: "warn", codes: ["SYMBOL_MISSING"] });
    expect(judge({ symbols }, { runtimeImage, stubs: ["uv_spawn"] }).verdict).toBe("ok");
  });
});

describe("thread-local storage", () => {
  // glibc: 1664 bytes, plus what rounding the block up to 64 leaves; the runtime of these tests has none.
  it.each([
    [1664, "ok"],
    [1665, "fail"],
  ])("%i bytes of the initial-exec model: %s", (tlsSize, verdict) => {
    expect(judge({ flags: 16, tlsSize, tlsAlign: 1 }).verdict).toBe(verdict);
  });

  it("counts the runtime's own block before rounding", () => {
    const runtimeImage = { tlsSize: 176, tlsAlign: 8 };
    // 176 + 1664 = 1840, rounded up to 1856: 16 bytes more than without.
    expect(judge({ flags: 16, tlsSize: 1680, tlsAlign: 8 }, { runtimeImage }).verdict).toBe("ok");
    expect(judge({ flags: 16, tlsSize: 1688, tlsAlign: 8 }, { runtimeImage }).verdict).toBe("fail");
  });

  it("does not count variables of the dynamic model", () => {
    expect(judge({ tlsSize: 100_000 }).verdict).toBe("ok");
  });
});

it("knows the Bun versions that free an external buffer twice", () => {
  const symbols = [NAPI, ...["napi_create_external_buffer", "_ZdlPv"].map((name) => ({ name }))];
  const runtimeImage = { symbols: symbols.slice(1).map(({ name }) => ({ name, defined: true })) };
  const under = (version: string) =>
    judge({ symbols }, { runtimeImage, runtime: { kind: "bun", version: known(version) } }).codes;
  expect(under("1.3.1")).toEqual(["LOAD_CRASHED"]);
  expect(under("1.3.2")).toEqual([]);
});

it.each([
  ["old strings and a shared scanner", "_ZNSs6assignERKSs", true, ["LOAD_CRASHED"]],
  ["old strings alone", "_ZNSs6assignERKSs", false, []],
  ["new strings", "_ZNSt7__cxx1112basic_stringIcE6assignEv", true, []],
])("%s", (_, string, shared, codes) => {
  const scanner = { name: "_ZNSt8__detail8_ScannerIcE10_M_advanceEv", defined: true };
  const runtimeImage = { symbols: [{ name: string, defined: true }, ...(shared ? [scanner] : [])] };
  expect(judge({ symbols: [NAPI, { name: string }, scanner] }, { runtimeImage }).codes).toEqual(codes);
});
