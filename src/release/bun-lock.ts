/**
 * Bun's text lockfile as data: JSONC (JSON with comments and trailing commas), `lockfileVersion` 0 to 2. Parsing keeps
 * every pin and its integrity. A package that does not come from an npm registry keeps its own kind. The build reads an
 * app's lock with it, the launcher a release's.
 * Keys of `packages` are paths of packages without their `node_modules` parts: `a/b` is the package b inside a, and
 * `@s/a/b` is b inside @s/a.
 */
import { parseJSONC } from "confbox/jsonc";
import * as v from "valibot";

/** The newest lockfileVersion that can be read; 2 came with Bun 1.4.0. */
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
  /** The package lies in the tarball of the package around it (`bundleDependencies`), and is never fetched. */
  bundled: v.optional(v.boolean(), false),
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
  /** Subresource integrity, `sha512-…`; empty when the lock has none. */
  readonly integrity: string;
  readonly info: LockInfo;
  /** The entry as the lockfile has it, so that it can be written unchanged. */
  readonly raw: readonly unknown[];
}

/** A package that no registry serves: a workspace member, a folder, a tarball, a git repository. */
interface OtherEntry {
  readonly kind: "workspace" | "other";
  readonly name: string;
  /** What follows the name and its `@`: `workspace:apps/brain`, `github:o/r#1234`, `file:../x`. */
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

/** Why a text is no usable lockfile, and the fix. */
export interface LockProblem {
  readonly what: string;
  readonly fix: string;
}

const WRITE_AGAIN = "write it again: bun install";

/** Parses a bun.lock. A damaged one, or one newer than version 2, is a problem. */
export function parseBunLock(text: string): { readonly lock: BunLock } | { readonly problem: LockProblem } {
  const parsed = v.safeParse(LockSchema, parseLockText(text));
  if (!parsed.success) {
    return { problem: { what: `the lockfile is damaged${explain(parsed.issues[0])}`, fix: WRITE_AGAIN } };
  }
  const lock = parsed.output;
  if (lock.lockfileVersion > NEWEST_LOCK) {
    const what = `the lockfile has version ${lock.lockfileVersion}; this gantry reads up to ${NEWEST_LOCK}`;
    return { problem: { what, fix: "update gantry, or write the lockfile with Bun 1.4" } };
  }
  const packages = new Map<string, LockEntry>();
  for (const [key, raw] of Object.entries(lock.packages)) {
    const entry = parseEntry(raw);
    if (entry === undefined) {
      return { problem: { what: `the lockfile's entry "${key}" has no name and version`, fix: WRITE_AGAIN } };
    }
    packages.set(key, entry);
  }
  return {
    lock: Object.freeze({
      version: lock.lockfileVersion,
      workspaces: lock.workspaces,
      packages,
      patched: Object.keys(lock.patchedDependencies),
    }),
  };
}

function explain(issue: v.InferIssue<typeof LockSchema>): string {
  const path = v.getDotPath(issue);
  return path === null ? ": it ends early or is not JSON" : `: "${path}" is not what Bun writes there`;
}

function parseLockText(text: string): unknown {
  try {
    return parseJSONC(text, { allowTrailingComma: true, preserveIndentation: false });
  } catch {
    return undefined;
  }
}

/** A registry package is `[name@version, registry, info, integrity]`; others lack the registry. */
function parseEntry(raw: readonly unknown[]): LockEntry | undefined {
  const [id, second, third] = raw;
  const at = typeof id === "string" ? id.indexOf("@", 1) : -1;
  if (typeof id !== "string" || at < 0) return undefined;
  const name = id.slice(0, at);
  const source = id.slice(at + 1);
  if (source.startsWith("workspace:")) return { kind: "workspace", name, source, info: undefined };
  if (typeof second === "string" && /^\d+\.\d+\.\d+/.test(source)) {
    const last = raw.at(-1);
    const integrity = typeof last === "string" && last.startsWith("sha") ? last : "";
    const info = parseInfo(third);
    return { kind: "registry", name, version: source, registry: second, integrity, info, raw };
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
 * The key that a dependency resolves to, by Node's algorithm: inside the dependent, then inside each package around it.
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

/** The key of a module in bun.lock: `a/node_modules/b` is `a/b`. */
export function lockKey(directory: string): string {
  return directory.replaceAll("/node_modules/", "/");
}

/** An `os`, `cpu` or `libc` field as a list, as npm writes it. */
export function platformList(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof value === "string" ? [value] : value;
}

/** The entry with other information, also in its raw form, which has it in the third place. */
export function withInfo(entry: RegistryEntry, info: LockInfo): RegistryEntry {
  return { ...entry, info, raw: [...entry.raw.slice(0, 2), info, ...entry.raw.slice(3)] };
}
