/**
 * Bun's text lockfile as data: JSON with trailing commas, `lockfileVersion` 0 to 2. Parsing keeps every pin and its
 * integrity; what is not an npm registry package is kept as what it is, so that nobody mistakes it for one.
 * Keys of `packages` are paths through node_modules without that word: `a/b` is b inside a, `@s/a/b` is b inside @s/a.
 */
import * as v from "valibot";
import { GantryError } from "../../errors.ts";

/** The newest version this file knows how to read; 2 came with Bun 1.4.0. */
const NEWEST_LOCK = 2;

const Names = v.optional(v.record(v.string(), v.string()), {});
const Info = v.looseObject({
  dependencies: Names,
  optionalDependencies: Names,
  peerDependencies: Names,
  optionalPeers: v.optional(v.array(v.string()), []),
  os: v.optional(v.union([v.string(), v.array(v.string())])),
  cpu: v.optional(v.union([v.string(), v.array(v.string())])),
  libc: v.optional(v.union([v.string(), v.array(v.string())])),
});
const Workspace = v.looseObject({
  name: v.optional(v.string()),
  dependencies: Names,
  devDependencies: Names,
  optionalDependencies: Names,
  peerDependencies: Names,
});
const LockSchema = v.looseObject({
  lockfileVersion: v.number(),
  configVersion: v.optional(v.number()),
  workspaces: v.record(v.string(), Workspace),
  packages: v.optional(v.record(v.string(), v.array(v.unknown())), {}),
  patchedDependencies: Names,
  overrides: v.optional(v.record(v.string(), v.unknown()), {}),
});

export type LockInfo = v.InferOutput<typeof Info>;
type LockWorkspace = v.InferOutput<typeof Workspace>;

export interface RegistryEntry {
  readonly kind: "registry";
  readonly name: string;
  readonly version: string;
  /** Empty for the default registry. */
  readonly registry: string;
  readonly info: LockInfo;
  /** The entry as it stands in the lockfile, to be written again unchanged. */
  readonly raw: readonly unknown[];
}

/** A package that no registry serves: a workspace member, a folder, a tarball, a git repository. */
interface OtherEntry {
  readonly kind: "workspace" | "other";
  readonly name: string;
  /** What stands after the name: `workspace:apps/brain`, `github:o/r#1234`, `file:../x`. */
  readonly source: string;
  readonly info: LockInfo | undefined;
}

export type LockEntry = RegistryEntry | OtherEntry;

export interface BunLock {
  readonly version: number;
  readonly workspaces: Readonly<Record<string, LockWorkspace>>;
  readonly packages: ReadonlyMap<string, LockEntry>;
  /** Keys are `name@version`. */
  readonly patched: readonly string[];
}

/**
 * Parses a bun.lock.
 * @param where its path, for messages
 * @throws GantryError CONFIG_INVALID when it is damaged or newer than version 2
 */
export function parseBunLock(text: string, where: string): BunLock {
  const parsed = v.safeParse(LockSchema, parseLockText(text));
  if (!parsed.success) {
    const issue = parsed.issues[0];
    const what = `the lockfile is damaged${explain(issue)}`;
    throw new GantryError({ code: "CONFIG_INVALID", what, where, fix: "write it again: bun install" });
  }
  const lock = parsed.output;
  if (lock.lockfileVersion > NEWEST_LOCK) {
    throw new GantryError({
      code: "CONFIG_INVALID",
      what: `the lockfile has version ${lock.lockfileVersion}; this gantry reads up to ${NEWEST_LOCK}`,
      where,
      fix: "update gantry, or write the lockfile with Bun 1.4",
    });
  }
  return Object.freeze({
    version: lock.lockfileVersion,
    workspaces: lock.workspaces,
    packages: new Map(Object.entries(lock.packages).map(([key, raw]) => [key, parseEntry(raw, key, where)])),
    patched: Object.keys(lock.patchedDependencies),
  });
}

function explain(issue: v.InferIssue<typeof LockSchema>): string {
  const path = v.getDotPath(issue);
  return path === null ? ": it ends early or is not JSON" : `: "${path}" is not what Bun writes there`;
}

/** Trailing commas are all that bun.lock has beyond JSON; anything else, such as an early end, must fail to parse. */
function parseLockText(text: string): unknown {
  const json = text.replaceAll(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (token) => (token === "," ? "" : token));
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function parseEntry(raw: readonly unknown[], key: string, where: string): LockEntry {
  const [id, second, third] = raw;
  const at = typeof id === "string" ? id.indexOf("@", 1) : -1;
  if (typeof id !== "string" || at < 0) {
    const what = `the lockfile's entry "${key}" has no name and version`;
    throw new GantryError({ code: "CONFIG_INVALID", what, where, fix: "write it again: bun install" });
  }
  const name = id.slice(0, at);
  const source = id.slice(at + 1);
  if (source.startsWith("workspace:")) return { kind: "workspace", name, source, info: undefined };
  if (typeof second === "string" && /^\d+\.\d+\.\d+/.test(source)) {
    return { kind: "registry", name, version: source, registry: second, info: parseInfo(third), raw };
  }
  return { kind: "other", name, source, info: parseInfo(second) };
}

function parseInfo(value: unknown): LockInfo {
  const parsed = v.safeParse(Info, value);
  return parsed.success ? parsed.output : v.parse(Info, {});
}

/** Splits a key into package names: `a/@s/b` is `["a", "@s/b"]`. */
export function splitKey(key: string): string[] {
  return key.match(/@[^/]+\/[^/]+|[^/]+/g) ?? [];
}

/**
 * The key that a dependency resolves to, as Node would walk: inside the dependent, then inside each package around it.
 * @param from the dependent's key; empty for the root
 */
export function resolveKey(lock: BunLock, from: string, name: string): string | undefined {
  const path = from === "" ? [] : splitKey(from);
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const key = [...path.slice(0, depth), name].join("/");
    if (lock.packages.has(key)) return key;
  }
  return undefined;
}

/** An `os`, `cpu` or `libc` field as npm writes it: always a list. */
export function platformList(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof value === "string" ? [value] : value;
}
