/**
 * Damages native files in every way that has broken ELF readers, and runs reader and rules over them.
 * Shared by the short run in the unit tests and the long one in scripts/fuzz.mjs; the code under test is handed
 * in. The same seed gives the same inputs.
 */
import { elfImage } from "./elf-image.mjs";
import { factsLiteral, hostLiteral } from "../compat/host-literal.mjs";

/**
 * @typedef {import("../../../src/elf/elf-file.ts").NativeFile} NativeFile
 * @typedef {import("../../../src/elf/bytes.ts").ByteSource} ByteSource
 *
 * @typedef {object} UnderTest
 * @property {(source: ByteSource) => NativeFile} readNativeFile
 * @property {<T>(work: () => T) => T | { kind: "malformed" }} guarded
 * @property {typeof import("../../../src/compat/judge-files.ts").createJudge} createJudge
 *
 * @typedef {object} FuzzResult
 * @property {number} inputs
 * @property {Record<string, number>} kinds how many inputs ended as which kind or verdict
 * @property {number} slowest milliseconds of processor time of the slowest input
 * @property {number} largest bytes of the largest single read
 * @property {string[]} failures
 */

/** xorshift32: small, and the same everywhere. @param {number} seed */
function random(seed) {
  let state = seed | 1;
  return (/** @type {number} */ below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Sizes and counts that overflow, point at themselves, or lie just past a limit. */
const VALUES = [
  0n,
  1n,
  2n,
  8n,
  0xffn,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1_0000_0001n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_fff8n,
  0xffff_ffff_ffff_ffffn,
];

/** Images with every table, so that there is something to damage. */
export function fuzzSeeds() {
  const rich = {
    needed: ["libc.so.6", "libloop.so", "libx.so"],
    runpath: "$ORIGIN:/lib",
    soname: "libloop.so",
    tlsSize: 32,
    isaLevel: 2,
    packed: true,
    nodeModule: { version: 115, filename: "../a.cc", name: "a" },
    symbols: [
      { name: "node_module_register" },
      { name: "memcpy", version: "libc.so.6:GLIBC_2.14" },
      { name: "uv_loop_init" },
      { name: "variable", tls: true, relocation: /** @type {const} */ ("tpoff") },
      { name: "napi_create_function", relocation: /** @type {const} */ ("got") },
      ...Array.from({ length: 20 }, (_, index) => ({
        name: `out_${index}`,
        defined: true,
        version: "OUT_1",
      })),
      { name: "napi_register_module_v1", defined: true },
      {
        name: "node_api_module_get_api_version_v1",
        defined: true,
        code: Uint8Array.from([0xb8, 8, 0, 0, 0, 0xc3]),
      },
    ],
  };
  return [
    elfImage(rich),
    elfImage({ ...rich, hash: "sysv" }),
    elfImage({ ...rich, bits: 32, little: false, machine: 20 }),
    elfImage({ ...rich, machine: 183 }),
  ];
}

/**
 * @param {Uint8Array} seed
 * @param {(below: number) => number} pick
 */
function mutate(seed, pick) {
  const bytes = Uint8Array.from(seed);
  const view = new DataView(bytes.buffer);
  for (let left = 1 + pick(4); left > 0; left -= 1) {
    const at = pick(bytes.length - 8);
    const kind = pick(6);
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
    else if (kind === 1) view.setBigUint64(at & ~7, VALUES[pick(VALUES.length)] ?? 0n, pick(4) > 0);
    else if (kind === 2)
      view.setUint32(at & ~3, Number((VALUES[pick(VALUES.length)] ?? 0n) & 0xffff_ffffn), true);
    // A table that points into another, or at itself.
    else if (kind === 3) view.setBigUint64(at & ~7, BigInt(pick(bytes.length)), true);
    else if (kind === 4) bytes.copyWithin(at, pick(bytes.length), pick(bytes.length));
    else view.setUint32((at % Math.min(512, bytes.length - 8)) & ~3, pick(bytes.length), true);
  }
  return pick(8) === 0 ? bytes.subarray(0, pick(bytes.length)) : bytes;
}

/**
 * @param {UnderTest} code
 * @param {{ count: number, seed: number, seeds: Uint8Array[] }} options
 * @returns {FuzzResult}
 */
export function fuzz(code, { count, seed, seeds }) {
  const pick = random(seed);
  /** @type {FuzzResult} */
  const result = { inputs: 0, kinds: {}, slowest: 0, largest: 0, failures: [] };
  const source = (/** @type {Uint8Array} */ bytes) => ({
    size: bytes.length,
    read(/** @type {number} */ offset, /** @type {number} */ length) {
      result.largest = Math.max(result.largest, length);
      return bytes.slice(offset, Math.min(bytes.length, offset + length));
    },
  });
  const read = (/** @type {Uint8Array} */ bytes) => code.readNativeFile(source(bytes));
  for (let index = 0; index < count; index += 1) {
    const input = mutate(seeds[pick(seeds.length)] ?? new Uint8Array(), pick);
    // Time of this process alone, so that a busy machine does not look like a hang.
    const before = process.cpuUsage();
    let kind = "threw";
    try {
      kind = run(code, read, input, seeds, pick);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (result.failures.length < 10) result.failures.push(`seed ${seed}, input ${index}: ${text}`);
    }
    const { user, system } = process.cpuUsage(before);
    const spent = (user + system) / 1000;
    if (spent > result.slowest) result.slowest = spent;
    result.kinds[kind] = (result.kinds[kind] ?? 0) + 1;
    result.inputs += 1;
  }
  return result;
}

/**
 * Reads one input in full, then judges it in a process whose runtime or libraries may be damaged too.
 * @param {UnderTest} code
 * @param {(bytes: Uint8Array) => NativeFile} read
 * @param {Uint8Array} input
 * @param {Uint8Array[]} seeds
 * @param {(below: number) => number} pick
 */
function run(code, read, input, seeds, pick) {
  const file = read(input);
  if (file.kind === "elf") {
    code.guarded(() => [file.imports(), file.addon(), file.versionDefinitions(), file.exports().names()]);
  }
  const whole = seeds[0] ?? input;
  const host = hostLiteral(
    read,
    { "/app/libloop.so": input, "/lib/libx.so": pick(2) === 0 ? input : whole, "/lib/libc.so.6": whole },
    factsLiteral(),
  );
  const damaged = read(pick(4) === 0 ? input : whole);
  if (damaged.kind !== "elf") return file.kind;
  const runtime = {
    file: damaged,
    facts: {
      kind: /** @type {const} */ ("bun"),
      path: "/app/brain",
      version: { known: /** @type {const} */ (true), value: "1.4.5", from: "the fuzzer" },
      abi: { known: /** @type {const} */ (true), value: 147, from: "the fuzzer" },
      napi: { known: /** @type {const} */ (false), why: "not said" },
    },
    isStub: () => false,
  };
  return code.createJudge(host, runtime).judge({ path: "/app/addon.node", file }).verdict;
}
