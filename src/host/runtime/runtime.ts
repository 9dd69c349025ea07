/**
 * What a JavaScript runtime offers to native modules, read from its executable without running it: kind, version,
 * NODE_MODULE_VERSION, Node-API version, exported symbols, stub functions. When gantry itself runs in that runtime,
 * the versions are given and the file is not searched for them.
 */
import { readNativeFile, type ByteSource, type ElfFile } from "../../elf/index.ts";
import { GantryError } from "../../base/errors.ts";
import { known, unknown, type Fact, type RuntimeFacts, type RuntimeKind } from "../host-facts.ts";
import { openSource } from "../file-source.ts";
import type { LibraryFacts } from "../libraries/library.ts";
import { isStub } from "./libuv-stubs.ts";

export interface RuntimeView {
  readonly facts: RuntimeFacts;
  readonly file: LibraryFacts;
  /** True for an exported function that only aborts when called. */
  isStub(name: string): boolean;
}

/** The part of process.versions that is used here. */
export interface OwnVersions {
  readonly bun?: string | undefined;
  readonly node?: string | undefined;
  readonly modules?: string | undefined;
  readonly napi?: string | undefined;
}

/**
 * Reads the executable at `path`.
 * @param own versions that the running process reports, when `path` is its own executable
 * @throws GantryError HOST_UNSUPPORTED or ELF_MALFORMED when it is not an ELF executable; the system's error when it
 *   cannot be opened
 */
export function readRuntime(path: string, own?: OwnVersions): RuntimeView {
  const source = openSource(path);
  const file = readNativeFile(source);
  if (file.kind !== "elf") {
    source.close();
    const what = file.kind === "malformed" ? `${file.reason}, at offset ${file.offset}` : file.what;
    throw new GantryError({
      code: file.kind === "malformed" ? "ELF_MALFORMED" : "HOST_UNSUPPORTED",
      what: `the runtime is not a Linux executable: ${what}`,
      where: path,
      fix: "name the bun or node executable, or the compiled binary, that will load the modules",
    });
  }
  const facts = own === undefined ? scanVersions(source, file, path) : ownFacts(own, path);
  const stubs = new Map<string, boolean>();
  return {
    facts,
    file,
    isStub(name) {
      const seen = stubs.get(name) ?? isStub(file, name);
      stubs.set(name, seen);
      return seen;
    },
  };
}

function ownFacts(own: OwnVersions, path: string): RuntimeFacts {
  const from = "process.versions";
  const number = (text: string | undefined): Fact<number> =>
    text === undefined ? unknown(`${from} does not say`) : known(Number(text), from);
  const version = own.bun ?? own.node;
  return {
    kind: own.bun === undefined ? "node" : "bun",
    path,
    version: version === undefined ? unknown(`${from} does not say`) : known(version, from),
    abi: number(own.modules),
    napi: number(own.napi),
  };
}

/** NODE_MODULE_VERSION by Node's major version (nodejs/node, doc/abi_version_registry.json). */
const ABI_OF_NODE: Readonly<Record<string, number>> = {
  "16": 93,
  "18": 108,
  "20": 115,
  "21": 120,
  "22": 127,
  "23": 131,
  "24": 137,
  "25": 141,
  "26": 147,
};

/**
 * Text by which each kind of executable tells its version in its constant data: a literal to search for, and the
 * pattern of the text around it.
 */
const MARKS = {
  /**
   * Bun's user agent for package managers. It names the Node version that Bun is compatible with, which gives the ABI.
   */
  bun: { literal: " npm/? node/v", pattern: /bun\/(\d+\.\d+\.\d+)\S* npm\/\? node\/v(\d+)\./ },
  node: { literal: "node.js/v", pattern: /node\.js\/v(\d+\.\d+\.\d+)/ },
  /** Node's embedded config.gypi, which also has `napi`. */
  abi: { literal: "node_module_version", pattern: /node_module_version["']: (\d+)/ },
  napi: { literal: "napi_build_version", pattern: /napi_build_version["']: ["'](\d+)["']/ },
} as const;
type Mark = keyof typeof MARKS;

function scanVersions(source: ByteSource, file: ElfFile, path: string): RuntimeFacts {
  // Every Node exports node::Start, and no Bun does.
  const kind: RuntimeKind = file.exports().has("_ZN4node5StartEiPPc") ? "node" : "bun";
  if (kind === "node") {
    const found = scan(source, file, ["node", "abi", "napi"]);
    const major = found.node?.[1]?.split(".")[0] ?? "";
    return {
      kind,
      path,
      version: stated(found.node?.[1], path),
      abi: numberOf(found.abi?.[1], `config.gypi in ${path}`) ?? abiOf(major, path),
      napi: numberOf(found.napi?.[1], `config.gypi in ${path}`) ?? unknown(`${path} does not say`),
    };
  }
  const found = scan(source, file, ["bun"]);
  if (found.bun === undefined) {
    const why = unknown(`${path} is neither a known Bun nor a known Node`);
    return { kind: "unknown", path, version: why, abi: why, napi: why };
  }
  return {
    kind,
    path,
    version: stated(found.bun[1], path),
    abi: abiOf(found.bun[2] ?? "", path),
    napi: unknown("Bun does not refuse a module for its Node-API version"),
  };
}

function stated(text: string | undefined, path: string): Fact<string> {
  return text === undefined ? unknown(`${path} does not say`) : known(text, path);
}

function numberOf(text: string | undefined, from: string): Fact<number> | undefined {
  return text === undefined ? undefined : known(Number(text), from);
}

function abiOf(major: string, path: string): Fact<number> {
  const abi = ABI_OF_NODE[major];
  return abi === undefined
    ? unknown(`no ABI is known for Node ${major}`)
    : known(abi, `Node ${major} in ${path}`);
}

const CHUNK = 4_194_304;
/** Bytes of text that are read on both sides of a literal. Chunks overlap by twice as many. */
const AROUND = 64;

/** Searches the loaded parts of the file in order, until every wanted mark is found. */
function scan(
  source: ByteSource,
  file: ElfFile,
  wanted: readonly Mark[],
): Partial<Record<Mark, RegExpExecArray>> {
  const found: Partial<Record<Mark, RegExpExecArray>> = {};
  for (const { offset, fileSize } of file.loads) {
    for (let at = offset; at < offset + fileSize; at += CHUNK) {
      const bytes = source.read(at, Math.min(CHUNK + 2 * AROUND, offset + fileSize - at));
      for (const mark of wanted) {
        const match = found[mark] === undefined ? findMark(bytes, mark) : undefined;
        if (match !== undefined) found[mark] = match;
      }
      if (wanted.every((mark) => found[mark] !== undefined)) return found;
    }
  }
  return found;
}

/** Tries every occurrence of the literal, because the words are also names of properties. */
function findMark(bytes: Uint8Array, mark: Mark): RegExpExecArray | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const { literal, pattern } = MARKS[mark];
  for (let at = buffer.indexOf(literal); at >= 0; at = buffer.indexOf(literal, at + 1)) {
    const match = pattern.exec(
      buffer.toString("latin1", Math.max(0, at - AROUND), at + literal.length + AROUND),
    );
    if (match !== null) return match;
  }
  return undefined;
}
