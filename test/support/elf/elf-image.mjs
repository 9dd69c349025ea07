/**
 * Builds small ELF images byte by byte, for tests and for the fuzzer: every table that the reader knows, each
 * class and byte order, and nothing that a linker would add. Addresses are file offsets plus `base`.
 * Written from the gABI, not from src/elf, so that the two do not share a mistake.
 */

/**
 * @typedef {object} ImageSymbol
 * @property {string} name
 * @property {boolean} [defined] exported by the image; otherwise taken from elsewhere
 * @property {boolean} [weak]
 * @property {boolean} [tls]
 * @property {string} [version] "LIBRARY:VERSION" of an import, "VERSION" of an export
 * @property {boolean} [hidden] not the default version
 * @property {Uint8Array} [code] what is at the symbol's address
 * @property {"slot" | "got" | "data" | "tpoff" | "none"} [relocation] how the image refers to it
 *
 * @typedef {object} ImageOptions
 * @property {32 | 64} [bits]
 * @property {boolean} [little]
 * @property {number} [machine]
 * @property {number} [type]
 * @property {number} [osabi]
 * @property {number} [base] address of the first byte
 * @property {number} [align]
 * @property {string} [interpreter]
 * @property {string} [soname]
 * @property {string[]} [needed]
 * @property {string} [rpath]
 * @property {string} [runpath]
 * @property {ImageSymbol[]} [symbols]
 * @property {string[]} [weakVersions] needed versions that are marked weak
 * @property {"gnu" | "sysv" | "none"} [hash]
 * @property {number} [flags] DT_FLAGS
 * @property {number} [flags1] DT_FLAGS_1
 * @property {number} [tlsSize]
 * @property {number} [tlsAlign]
 * @property {boolean} [ownTls] an initial-exec access to a variable without a name
 * @property {"plain" | "executable" | "none"} [stack]
 * @property {number} [isaLevel]
 * @property {boolean} [packed] an empty DT_RELR
 * @property {{ version: number, filename: string, name: string }} [nodeModule] a node_module struct in data
 * @property {boolean} [dynamic] false leaves the dynamic section out
 */

const RELOCATIONS = {
  62: { data: 1, got: 6, slot: 7, relative: 8, tpoff: 18 },
  183: { data: 257, got: 1025, slot: 1026, relative: 1027, tpoff: 1030 },
};

/**
 * @param {ImageOptions} [options]
 * @returns {Uint8Array}
 */
export function elfImage(options = {}) {
  const { bits = 64, little = true, machine = 62, base = 0, hash = "gnu" } = options;
  const wide = bits === 64;
  const word = wide ? 8 : 4;
  /** @type {number[]} */
  const bytes = [];
  const pad = (/** @type {number} */ to) => {
    while (bytes.length % to !== 0) bytes.push(0);
  };
  const put = (/** @type {number} */ value, /** @type {number} */ size) => {
    let rest = BigInt.asUintN(64, BigInt(value));
    const out = [];
    for (let index = 0; index < size; index += 1) {
      out.push(Number(rest & 255n));
      rest >>= 8n;
    }
    bytes.push(...(little ? out : out.toReversed()));
  };
  const here = () => base + bytes.length;

  const headerSize = wide ? 64 : 52;
  const segmentSize = wide ? 56 : 32;
  const SEGMENTS = 6;
  bytes.push(...new Uint8Array(headerSize + SEGMENTS * segmentSize));

  // Strings first: everything else refers to them.
  /** @type {Map<string, number>} */
  const stringAt = new Map([["", 0]]);
  const text = [0];
  const string = (/** @type {string} */ value) => {
    const seen = stringAt.get(value);
    if (seen !== undefined) return seen;
    stringAt.set(value, text.length);
    for (const letter of value) text.push(letter.charCodeAt(0));
    text.push(0);
    return stringAt.get(value) ?? 0;
  };
  const symbols = options.symbols ?? [];
  const imports = symbols.filter(({ defined }) => defined !== true);
  const buckets = 3;
  const exports = symbols
    .filter(({ defined }) => defined === true)
    .toSorted((a, b) => (gnuHash(a.name) % buckets) - (gnuHash(b.name) % buckets));
  const ordered = [...imports, ...exports];

  const isa = options.isaLevel === undefined ? undefined : bytes.length;
  if (options.isaLevel !== undefined) {
    for (const value of [4, 16, 5]) put(value, 4);
    bytes.push(0x47, 0x4e, 0x55, 0);
    for (const value of [0xc0008002, 4, 1 << (options.isaLevel - 1), 0]) put(value, 4);
  }
  const interpreter = bytes.length;
  if (options.interpreter !== undefined) bytes.push(...Buffer.from(`${options.interpreter}\0`));

  const codeAt = new Map(
    exports.map((symbol) => {
      pad(16);
      const at = here();
      bytes.push(...(symbol.code ?? [0xc3]));
      return [symbol, at];
    }),
  );

  // Versions: index 0 is local, 1 global; then the definitions, then the needs.
  const defined = [...new Set(exports.flatMap(({ version }) => version ?? []))];
  const wanted = [...new Set(imports.flatMap(({ version }) => version ?? []))].map((pair) => {
    const [library = "", version = ""] = pair.split(":");
    return { pair, library, version };
  });
  const versionIndex = new Map([
    ...defined.map((name, index) => /** @type {const} */ ([name, index + 2])),
    ...wanted.map(({ pair }, index) => /** @type {const} */ ([pair, index + 2 + defined.length])),
  ]);

  pad(8);
  const symbolTable = here();
  for (const symbol of [undefined, ...ordered]) {
    const at = symbol === undefined ? 0 : (codeAt.get(symbol) ?? 0);
    const info =
      symbol === undefined ? 0 : ((symbol.weak === true ? 2 : 1) << 4) | (symbol.tls === true ? 6 : 2);
    const section = symbol?.defined === true ? 7 : 0;
    put(symbol === undefined ? 0 : string(symbol.name), 4);
    if (wide) {
      put(info, 1);
      put(0, 1);
      put(section, 2);
      put(at, 8);
      put(0, 8);
    } else {
      put(at, 4);
      put(0, 4);
      put(info, 1);
      put(0, 1);
      put(section, 2);
    }
  }

  const versionSymbols = here();
  for (const symbol of [undefined, ...ordered]) {
    const index = symbol?.version === undefined ? 1 : (versionIndex.get(symbol.version) ?? 1);
    put(symbol === undefined ? 0 : index | (symbol.hidden === true ? 0x8000 : 0), 2);
  }
  pad(8);
  const versionNeeds = here();
  const libraries = [...new Set(wanted.map(({ library }) => library))];
  for (const [position, library] of libraries.entries()) {
    const mine = wanted.filter((need) => need.library === library);
    for (const [value, size] of /** @type {const} */ ([
      [1, 2],
      [mine.length, 2],
      [string(library), 4],
      [16, 4],
      [position + 1 < libraries.length ? 16 + 16 * mine.length : 0, 4],
    ])) {
      put(value, size);
    }
    for (const [order, { pair, version }] of mine.entries()) {
      put(0, 4);
      put(options.weakVersions?.includes(version) === true ? 2 : 0, 2);
      put(versionIndex.get(pair) ?? 0, 2);
      put(string(version), 4);
      put(order + 1 < mine.length ? 16 : 0, 4);
    }
  }
  const versionDefinitions = here();
  const definitions = [options.soname ?? "self", ...defined];
  for (const [position, name] of definitions.entries()) {
    put(1, 2);
    put(position === 0 ? 1 : 0, 2);
    put(position + 1, 2);
    put(1, 2);
    put(0, 4);
    put(20, 4);
    put(position + 1 < definitions.length ? 28 : 0, 4);
    put(string(name), 4);
    put(0, 4);
  }

  const hashTable = here();
  if (hash === "gnu") {
    put(buckets, 4);
    put(1 + imports.length, 4);
    put(1, 4);
    put(6, 4);
    let bloom = 0n;
    for (const { name } of exports) {
      const value = gnuHash(name);
      bloom |= 1n << BigInt(value % bits);
      bloom |= 1n << BigInt((value >>> 6) % bits);
    }
    const low = Number(bloom & 0xffff_ffffn);
    const high = Number(bloom >> 32n);
    if (!wide) put(low, 4);
    else for (const half of little ? [low, high] : [high, low]) put(half, 4);
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      const first = exports.findIndex(({ name }) => gnuHash(name) % buckets === bucket);
      put(first < 0 ? 0 : 1 + imports.length + first, 4);
    }
    for (const [position, { name }] of exports.entries()) {
      const next = exports[position + 1];
      const last = next === undefined || gnuHash(next.name) % buckets !== gnuHash(name) % buckets;
      put(((gnuHash(name) & ~1) | (last ? 1 : 0)) >>> 0, 4);
    }
  } else if (hash === "sysv") {
    put(1, 4);
    put(1 + ordered.length, 4);
    put(ordered.length > 0 ? 1 : 0, 4);
    for (let index = 0; index <= ordered.length; index += 1) {
      put(index === 0 || index === ordered.length ? 0 : index + 1, 4);
    }
  }

  // Data that relocations point at: one word each, and the node_module struct.
  pad(8);
  const types = RELOCATIONS[machine === 183 ? 183 : 62];
  /** @type {{ at: number, symbol: number, type: number, addend: number }[]} */
  const plain = [];
  /** @type {typeof plain} */
  const linkage = [];
  for (const [position, symbol] of ordered.entries()) {
    const use = symbol.relocation ?? (symbol.defined === true ? "none" : "slot");
    if (use === "none") continue;
    const entry = { at: here(), symbol: position + 1, type: types[use], addend: 0 };
    (use === "slot" ? linkage : plain).push(entry);
    put(0, word);
  }
  if (options.ownTls === true) {
    plain.push({ at: here(), symbol: 0, type: types.tpoff, addend: 0 });
    put(0, word);
  }
  if (options.nodeModule !== undefined) {
    const { version, filename, name } = options.nodeModule;
    const register = here();
    bytes.push(0xc3);
    const [file, module] = [filename, name].map((value) => {
      const at = here();
      bytes.push(...Buffer.from(`${value}\0`));
      return at;
    });
    pad(8);
    const struct = here();
    put(version, 4);
    put(0, 4);
    for (let field = 0; field < 7; field += 1) put(0, word);
    const relative = (/** @type {number} */ at, /** @type {number} */ addend) =>
      plain.unshift({ at, symbol: 0, type: types.relative, addend });
    relative(struct + 8 + word, file ?? 0);
    relative(struct + 8 + 2 * word, register);
    relative(struct + 8 + 4 * word, module ?? 0);
  }
  const table = (/** @type {typeof plain} */ entries) => {
    const at = here();
    for (const { at: place, symbol, type, addend } of entries) {
      put(place, word);
      if (!wide) put((symbol << 8) | type, 4);
      else for (const half of little ? [type, symbol] : [symbol, type]) put(half, 4);
      put(addend, word);
    }
    return at;
  };
  pad(8);
  const plainTable = table(plain);
  const linkageTable = table(linkage);
  const neededStrings = (options.needed ?? []).map(string);
  const named = /** @type {const} */ ([
    [14, options.soname],
    [15, options.rpath],
    [29, options.runpath],
  ]).flatMap(([tag, value]) => (value === undefined ? [] : [[tag, string(value)]]));
  const strings = here();
  bytes.push(...text);

  pad(8);
  const dynamic = here();
  /** @type {number[][]} */
  const entries = [
    ...neededStrings.map((value) => [1, value]),
    ...named,
    [5, strings],
    [10, text.length],
    [6, symbolTable],
    [11, wide ? 24 : 16],
  ];
  if (hash !== "none") entries.push([hash === "gnu" ? 0x6ffffef5 : 4, hashTable]);
  if (plain.length > 0) entries.push([7, plainTable], [8, plain.length * word * 3], [9, word * 3]);
  if (linkage.length > 0) entries.push([23, linkageTable], [2, linkage.length * word * 3], [20, 7]);
  if (versionIndex.size > 0) entries.push([0x6ffffff0, versionSymbols]);
  if (wanted.length > 0) entries.push([0x6ffffffe, versionNeeds], [0x6fffffff, libraries.length]);
  if (defined.length > 0) entries.push([0x6ffffffc, versionDefinitions], [0x6ffffffd, definitions.length]);
  if (options.flags !== undefined) entries.push([30, options.flags]);
  if (options.flags1 !== undefined) entries.push([0x6ffffffb, options.flags1]);
  if (options.packed === true) entries.push([36, strings], [35, 0]);
  entries.push([0, 0]);
  for (const [tag = 0, value = 0] of entries) {
    put(tag, word);
    put(value, word);
  }
  const size = bytes.length;

  /** @type {{ type: number, flags: number, offset: number, size: number, memory?: number, align?: number }[]} */
  const segments = [{ type: 1, flags: 7, offset: 0, size, align: options.align ?? 4096 }];
  if (options.dynamic !== false)
    segments.push({ type: 2, flags: 6, offset: dynamic - base, size: size - (dynamic - base) });
  if (options.interpreter !== undefined) {
    segments.push({ type: 3, flags: 4, offset: interpreter, size: options.interpreter.length + 1 });
  }
  if (options.tlsSize !== undefined) {
    segments.push({
      type: 7,
      flags: 4,
      offset: 0,
      size: 0,
      memory: options.tlsSize,
      align: options.tlsAlign ?? 8,
    });
  }
  if (options.stack !== "none") {
    segments.push({ type: 0x6474e551, flags: options.stack === "executable" ? 7 : 6, offset: 0, size: 0 });
  }
  if (isa !== undefined) segments.push({ type: 0x6474e553, flags: 4, offset: isa, size: 32, align: 8 });

  const body = bytes.splice(0);
  bytes.push(0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, little ? 1 : 2, 1, options.osabi ?? 0);
  bytes.push(...new Uint8Array(8));
  put(options.type ?? 3, 2);
  put(machine, 2);
  put(1, 4);
  put(0, word);
  put(headerSize, word);
  put(0, word);
  put(0, 4);
  for (const value of [headerSize, segmentSize, segments.length, 0, 0, 0]) put(value, 2);
  for (const { type, flags, offset, size: length, memory, align } of segments) {
    put(type, 4);
    if (wide) put(flags, 4);
    for (const value of [offset, base + offset, base + offset, length, memory ?? length]) put(value, word);
    if (!wide) put(flags, 4);
    put(align ?? 1, word);
  }
  return Uint8Array.from([...bytes, ...body.slice(bytes.length)]);
}

/** @param {string} name */
function gnuHash(name) {
  let hash = 5381;
  for (const letter of name) hash = (hash * 33 + letter.charCodeAt(0)) % 2 ** 32;
  return hash;
}
