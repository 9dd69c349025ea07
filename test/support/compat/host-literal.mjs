/**
 * A host written down as plain values: paths with the bytes that are there, and facts. Nothing stands in for
 * code under test; `read` is the real reader, handed in so that tests and the fuzzer can share this.
 */

/** @typedef {import("../../../src/host/host-facts.ts").HostFacts} HostFacts */
/** @typedef {import("../../../src/host/libraries/library.ts").HostView} HostView */
/** @typedef {import("../../../src/elf/elf-file.ts").NativeFile} NativeFile */

/** @type {<T>(value: T) => { known: true, value: T, from: string }} */
export const known = (value) => ({ known: true, value, from: "the test" });

/**
 * @param {Partial<HostFacts>} [overrides]
 * @param {Partial<HostFacts["search"]>} [search]
 * @returns {HostFacts}
 */
export function factsLiteral(overrides = {}, search = {}) {
  return {
    schema: 1,
    arch: known("x64"),
    system: known({ id: "debian", version: "12", name: "Debian GNU/Linux 12" }),
    libc: known({ family: /** @type {const} */ ("glibc"), version: "2.36" }),
    loaders: [{ path: "/lib64/ld-linux-x86-64.so.2", family: "glibc", version: known("2.36"), arch: "x64" }],
    cpu: known({ features: ["sse4_2"], level: /** @type {const} */ (2) }),
    kernel: known("6.1.0"),
    pageSize: known(4096),
    directories: [],
    ...overrides,
    search: {
      libraryPath: [],
      preload: [],
      cache: known([]),
      conf: known([]),
      systemDirs: known(["/lib", "/usr/lib"]),
      muslPath: known(["/lib", "/usr/lib"]),
      ...search,
    },
  };
}

/**
 * @param {(bytes: Uint8Array) => NativeFile} read
 * @param {Readonly<Record<string, Uint8Array>>} files
 * @param {HostFacts} [facts]
 * @returns {HostView}
 */
export function hostLiteral(read, files, facts = factsLiteral()) {
  /** @type {Map<string, NativeFile>} */
  const seen = new Map();
  return {
    facts,
    identity: (path) => path,
    library(path) {
      const bytes = files[path];
      if (bytes === undefined) return undefined;
      const file = seen.get(path) ?? read(bytes);
      seen.set(path, file);
      return file;
    },
  };
}
