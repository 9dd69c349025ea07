import { describe, expect, it } from "vitest";
import { GantryError } from "../../../src/base/errors.ts";
import {
  filesOfTree,
  formatManifest,
  nativeByModule,
  parseManifest,
  releaseId,
  type Manifest,
} from "../../../src/release/manifest.ts";
import { sha256 } from "../../../src/release/tree.ts";

const DIGEST = "a".repeat(64);
const MANIFEST: Manifest = {
  schema: 1,
  name: "test-brain",
  version: "0.1.0",
  binary: "brain",
  target: "linux-x64-gnu",
  gantry: "0.1.0",
  runtime: { kind: "bun", version: "1.4.5" },
  executable: { size: 5, sha256: DIGEST },
  launcher: { size: 5, sha256: DIGEST },
  install: "first-run",
  externals: [
    { name: "libsql", version: "0.5.11", optional: false, reason: "r", imports: ["libsql"] },
    { name: "extra", version: "1.0.0", optional: true, reason: "r", imports: ["extra"] },
  ],
  modules: {
    libsql: {
      name: "libsql",
      version: "0.5.11",
      digest: DIGEST,
      neededBy: ["libsql"],
      files: { "index.js": [3, DIGEST] },
    },
    shared: {
      name: "shared",
      version: "1.0.0",
      digest: DIGEST,
      neededBy: ["libsql", "extra"],
      files: { "s.js": [1, DIGEST] },
    },
    extra: {
      name: "extra",
      version: "1.0.0",
      digest: DIGEST,
      neededBy: ["extra"],
      files: { "bin/x": [9, DIGEST, "x"] },
    },
  },
  native: [],
};

function problem(data: unknown): string {
  try {
    parseManifest(typeof data === "string" ? data : JSON.stringify(data), "lib/release.json");
    return "accepted";
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    return `${error.findings[0].code} ${error.findings[0].what}`;
  }
}

const NODE = {
  kind: "node",
  version: "24.21.0",
  abi: 137,
  napi: 10,
  system: false,
  entry: "lib/app/index.js",
} as const;
const { executable: _executable, ...WITHOUT } = MANIFEST;

describe("the runtime", () => {
  it("may be a Node that comes along, or the host's own", () => {
    const own = { ...MANIFEST, runtime: NODE };
    const system = { ...WITHOUT, runtime: { ...NODE, system: true } };
    for (const manifest of [own, system])
      expect(parseManifest(formatManifest(manifest), "x")).toEqual(manifest);
  });

  it.each([
    [
      "a program beside the host's own",
      { ...MANIFEST, runtime: { ...NODE, system: true } },
      /"executable" does not fit/,
    ],
    ["no program", { ...WITHOUT, runtime: NODE }, /"executable" does not fit/],
    ["a Bun without a program", WITHOUT, /"executable" does not fit/],
    ["an entry outside", { ...MANIFEST, runtime: { ...NODE, entry: "../app.js" } }, /runtime\.entry/],
    [
      "no ABI",
      { ...MANIFEST, runtime: { kind: "node", version: "24.21.0", system: false, entry: "x" } },
      /runtime\.abi/,
    ],
    ["another kind", { ...MANIFEST, runtime: { kind: "deno", version: "1" } }, /runtime\.kind/],
  ])("%s is refused", (_, manifest, message) => {
    expect(problem(manifest)).toMatch(message);
  });
});

describe("nativeByModule", () => {
  it("keeps the files of a package together, and nested packages apart", () => {
    const native = ["libsql/b/1.node", "libsql/b/2.node", "libsql/node_modules/in/x.node", "extra/e.node"];
    const module = MANIFEST.modules["extra"];
    const manifest = {
      modules: { ...MANIFEST.modules, ...(module === undefined ? {} : { "libsql/node_modules/in": module }) },
      native: native.map((path) => ({ path, neededBy: path.startsWith("extra") ? ["extra"] : ["libsql"] })),
    };
    expect(nativeByModule(manifest, "libsql")).toEqual([native.slice(0, 2), native.slice(2, 3)]);
    expect(nativeByModule(manifest, "none")).toEqual([]);
  });
});

describe("parseManifest", () => {
  it("reads what formatManifest wrote", () => {
    expect(parseManifest(formatManifest(MANIFEST), "x")).toEqual(MANIFEST);
  });

  it.each([
    ["an unknown key", { ...MANIFEST, extra: 1 }, /^MANIFEST_INVALID .*unknown key "extra"/],
    [
      "an unknown inner key",
      { ...MANIFEST, runtime: { ...MANIFEST.runtime, x: 1 } },
      /unknown key "runtime\.x"/,
    ],
    [
      "a newer schema",
      { ...MANIFEST, schema: 2 },
      /^MANIFEST_INVALID .*schema 2; this launcher reads schema 1/,
    ],
    ["a missing key", { ...MANIFEST, name: undefined }, /"name"/],
    [
      "a wrong digest",
      { ...MANIFEST, executable: { size: 1, sha256: "XYZ" } },
      /executable\.sha256.*SHA-256/,
    ],
    ["an unknown target", { ...MANIFEST, target: "linux-mips" }, /"target"/],
    [
      "an absolute path",
      { ...MANIFEST, native: [{ path: "/etc/passwd", neededBy: [] }] },
      /not a path inside/,
    ],
    [
      "a path that climbs out",
      { ...MANIFEST, native: [{ path: "a/../../b", neededBy: [] }] },
      /not a path inside/,
    ],
    ["a binary that is a path", { ...MANIFEST, binary: "../x" }, /"binary"/],
    ["an array", [], /^MANIFEST_INVALID/],
    ["null", null, /^MANIFEST_INVALID/],
    ["an empty file", "", /not whole/],
  ])("refuses %s", (_, data, message) => {
    expect(problem(data)).toMatch(message);
  });

  it("refuses every truncation", () => {
    const text = formatManifest(MANIFEST).trimEnd();
    for (let length = 0; length < text.length; length += 1) {
      expect(problem(text.slice(0, length))).toMatch(/^MANIFEST_INVALID .*not whole/);
    }
  });
});

it("names a release by the start of its manifest's SHA-256", () => {
  // printf 'gantry' | sha256sum
  expect(releaseId("gantry")).toBe(sha256("gantry").slice(0, 16));
  expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

it("puts a shared module into the tree when either of its externals is in", () => {
  expect([...filesOfTree(MANIFEST, new Set(["libsql"])).keys()]).toEqual(["libsql/index.js", "shared/s.js"]);
  expect([...filesOfTree(MANIFEST, new Set(["extra"])).keys()]).toEqual(["shared/s.js", "extra/bin/x"]);
});
