/** Libraries and their versions, as glibc's loader finds and checks them. */
import { describe, expect, it } from "vitest";
import { createJudge } from "../../../src/compat/judge-files.ts";
import { elfImage, type ImageOptions } from "../../support/elf/elf-image.mjs";
import { factsLiteral, hostLiteral, known } from "../../support/compat/host-literal.mjs";
import { GLIBC, judge, LIBC, NAPI, read, runtimeOf } from "../../support/compat/world.ts";

const lib = (options: ImageOptions = {}): Uint8Array => elfImage({ soname: "libx.so", ...options });

const asks = (version: string): ImageOptions => ({
  symbols: [NAPI, { name: "memcpy", version: `libc.so.6:${version}` }],
});

describe("libraries, as glibc searches", () => {
  const needsX = { needed: ["libx.so", "libc.so.6"] };

  it.each<[string, ImageOptions, Record<string, Uint8Array>, string[]]>([
    ["nowhere", {}, {}, ["LIBRARY_MISSING"]],
    ["in a system directory", {}, { "/usr/lib/libx.so": lib() }, []],
    ["beside the module by RUNPATH", { runpath: "$ORIGIN" }, { "/app/libx.so": lib() }, []],
    ["beside the module by RPATH", { rpath: "${ORIGIN}/lib" }, { "/app/lib/libx.so": lib() }, []],
    [
      "where RUNPATH silences RPATH",
      { rpath: "$ORIGIN", runpath: "/none" },
      { "/app/libx.so": lib() },
      ["LIBRARY_MISSING"],
    ],
    [
      "first for another machine",
      { runpath: "$ORIGIN" },
      { "/app/libx.so": lib({ machine: 183 }), "/lib/libx.so": lib() },
      [],
    ],
    ["only for another machine", {}, { "/lib/libx.so": lib({ machine: 183 }) }, ["LIBRARY_MISSING"]],
    [
      "first as a linker script",
      { runpath: "$ORIGIN" },
      { "/app/libx.so": Buffer.from("GROUP ( x )"), "/lib/libx.so": lib() },
      ["LIBRARY_MISSING"],
    ],
    ["under a relative RUNPATH", { runpath: "lib" }, { "/app/lib/libx.so": lib() }, ["LIBRARY_MISSING"]],
  ])("%s", (_, options, files, codes) => {
    expect(judge({ ...needsX, ...options }, { files }).codes).toEqual(codes);
  });

  it("takes the cache's entry, and a faster processor's only at that level", () => {
    const cache = known([
      { name: "libx.so", path: "/fast/glibc-hwcaps/x86-64-v4/libx.so" },
      { name: "libx.so", path: "/slow/libx.so" },
    ]);
    const facts = factsLiteral({}, { cache });
    // The fast one needs what is not there: taking it would be seen.
    const fast = {
      "/fast/glibc-hwcaps/x86-64-v4/libx.so": lib({ needed: ["libgone.so"] }),
      "/slow/libx.so": lib(),
    };
    expect(judge(needsX, { files: fast, facts }).codes).toEqual([]);
    const v4 = factsLiteral({ cpu: known({ features: [], level: 4 as const }) }, { cache });
    expect(judge(needsX, { files: fast, facts: v4 }).codes).toEqual(["LIBRARY_MISSING"]);
  });

  it("passes RPATH, but not RUNPATH, on to what a library needs", () => {
    const files = {
      "/app/libx.so": lib({ needed: ["liby.so"] }),
      "/app/liby.so": lib({ soname: "liby.so" }),
    };
    expect(judge({ ...needsX, rpath: "$ORIGIN" }, { files }).codes).toEqual([]);
    const { findings } = judge({ ...needsX, runpath: "$ORIGIN" }, { files });
    expect(findings.map(({ what }) => what)).toEqual([
      expect.stringMatching(/liby\.so is needed by libx\.so/),
    ]);
  });

  it("ends where libraries need each other", () => {
    const files = {
      "/lib/libx.so": lib({ needed: ["liby.so"] }),
      "/lib/liby.so": lib({ soname: "liby.so", needed: ["libx.so"] }),
    };
    expect(judge(needsX, { files }).codes).toEqual([]);
  });

  it("searches LD_LIBRARY_PATH before RUNPATH, and what is loaded before both", () => {
    const files = {
      "/env/libx.so": lib({ needed: ["libgone.so"] }),
      "/app/libx.so": lib(),
      "/opt/libx.so": lib(),
    };
    const facts = factsLiteral({}, { libraryPath: ["/env"] });
    expect(judge({ ...needsX, runpath: "$ORIGIN" }, { files, facts }).codes).toEqual(["LIBRARY_MISSING"]);
    const runtimeImage = { needed: ["libc.so.6", "libx.so"], rpath: "/opt" };
    expect(judge({ ...needsX, runpath: "$ORIGIN" }, { files, facts, runtimeImage }).codes).toEqual([]);
  });

  it.each([["libc.musl-x86_64.so.1"], ["libc.so"], ["ld-musl-x86_64.so.1"]])(
    "knows a musl module by %s",
    (name) => {
      const files = { "/usr/lib/libc.so": Buffer.from("/* GNU ld script */ GROUP ( /lib/libc.so.6 )") };
      const { codes, findings } = judge({ needed: [name] }, { files });
      expect(codes).toEqual(["LIBC_MISMATCH"]);
      expect(findings[0]?.evidence).toContain(name);
    },
  );
});

describe("versions", () => {
  it("says which version is asked for, which is there, and where there is a newer one", () => {
    const { codes, findings } = judge(asks("GLIBC_2.34"));
    expect(codes[0]).toBe("LIBC_TOO_OLD");
    expect(findings[0]?.what).toMatch(/needs GLIBC_2\.34; libc\.so\.6 here goes up to GLIBC_2\.14/);
    expect(findings[0]?.fix).toMatch(/Debian 12/);
  });

  it("lets a weak need pass, and a library that has no versions at all", () => {
    expect(judge({ ...asks("GLIBC_2.34"), weakVersions: ["GLIBC_2.34"] }).codes).not.toContain(
      "LIBC_TOO_OLD",
    );
    const files = {
      "/lib/libc.so.6": elfImage({ soname: "libc.so.6", symbols: [{ name: "memcpy", defined: true }] }),
    };
    expect(judge(asks("GLIBC_2.34"), { files }).codes).toEqual([]);
  });

  it("blames libstdc++ and not the C library for GLIBCXX", () => {
    const files = {
      "/lib/libstdc++.so.6": elfImage({
        soname: "libstdc++.so.6",
        symbols: [{ name: "_Znwm", defined: true, version: "GLIBCXX_3.4" }],
      }),
    };
    const { codes, findings } = judge(
      {
        needed: ["libstdc++.so.6"],
        symbols: [NAPI, { name: "_Znwm", version: "libstdc++.so.6:GLIBCXX_3.4.30" }],
      },
      { files },
    );
    expect(codes[0]).toBe("LIBRARY_MISSING");
    expect(findings[0]?.fix).toMatch(/apt-get install libstdc\+\+6/);
  });
});

it("says what keeps the runtime itself from starting", () => {
  const host = hostLiteral(read, { "/lib/libc.so.6": LIBC });
  const [missing] = createJudge(host, runtimeOf({})).runtimeFindings;
  expect(missing).toMatchObject({ code: "LIBC_MISMATCH", evidence: GLIBC });
  const arm = hostLiteral(read, {}, factsLiteral({ arch: known("arm64") }));
  expect(createJudge(arm, runtimeOf({})).runtimeFindings[0]?.code).toBe("HOST_UNSUPPORTED");
  const old = hostLiteral(read, {
    [GLIBC]: elfImage({ soname: "ld-linux-x86-64.so.2" }),
    "/lib/libc.so.6": LIBC,
  });
  const symbols = [{ name: "memcpy", version: "libc.so.6:GLIBC_2.34" }];
  const findings = createJudge(old, runtimeOf({ runtimeImage: { symbols } })).runtimeFindings;
  expect(findings.map(({ code }) => code)).toEqual(["LIBC_TOO_OLD"]);
});
