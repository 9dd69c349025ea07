/**
 * The manifest, lib/release.json: what was built, for which target, and every file that the prepared tree must have. The
 * build writes it, and the launcher reads it. Unknown keys are refused, because a launcher that ignores one could skip a
 * check and still call the tree proven.
 */
import * as v from "valibot";
import { GantryError } from "../base/errors.ts";
import type { Compression } from "./bundle-head.ts";
import { ActivateSchema, ServiceSchema } from "./service-schema.ts";
import { RELEASE_ID_LENGTH } from "./start/stamp.ts";
import { abiOfBun, parseTarget, TARGETS, type Target } from "./targets.ts";
import { sha256, type FileEntry } from "./tree.ts";

export const SCHEMA = 1;

const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "is not a SHA-256 digest"));
const Size = v.pipe(v.number(), v.integer(), v.minValue(0));
/** A relative path that stays inside: no empty, `.` or `..` part, no backslash, no control character. */
const InnerPath = v.pipe(
  v.string(),
  v.regex(/^(?!\/)(?!.*\/\/)(?!(?:.*\/)?\.{1,2}(?:\/|$))[^\\\p{Cc}]+$/u, "is not a path inside the release"),
);
const Entry = v.union([v.strictTuple([Size, Sha256]), v.strictTuple([Size, Sha256, v.literal("x")])]);

const ExternalSchema = v.strictObject({
  name: v.string(),
  version: v.string(),
  /** The app starts without it. */
  optional: v.boolean(),
  /** Why it could not be compiled in. */
  reason: v.string(),
  /** Specifiers that the load probe loads. */
  imports: v.array(v.string()),
  /** Set when the build could not make the module work: why, and the fix. No tree has it then. */
  unavailable: v.optional(v.strictObject({ reason: v.string(), fix: v.string() })),
});

const ModuleSchema = v.strictObject({
  name: v.string(),
  version: v.string(),
  /** Digest of `files`, see digestOfFiles. */
  digest: Sha256,
  /** Names of the externals that need this module, themselves included. */
  neededBy: v.array(v.string()),
  /**
   * Set when an install script made some of its files on the build machine. No registry serves those, and hosts run no
   * scripts, so that the module comes only from a bundle or a copied tree.
   */
  source: v.optional(v.literal("bundle")),
  /** Files by path relative to the module's own directory. */
  files: v.record(InnerPath, Entry),
});

/** A lower bound, and the files that set it. */
const TextFloor = v.strictObject({ value: v.string(), by: v.array(v.string()) });
const NumberFloor = v.strictObject({ value: v.number(), by: v.array(v.string()) });

/** What the host must provide, derived from the shipped files and the compiled app. */
const RequiresSchema = v.strictObject({
  arch: v.string(),
  libc: v.picklist(["glibc", "musl"]),
  glibc: v.optional(TextFloor),
  musl: v.optional(TextFloor),
  glibcxx: v.optional(TextFloor),
  cxxabi: v.optional(TextFloor),
  /** x86-64 level 1 to 4, where a file declares one. */
  cpuLevel: v.optional(NumberFloor),
  /** NODE_MODULE_VERSION of files that are bound to one. */
  abi: v.array(NumberFloor),
  napi: v.optional(NumberFloor),
  /** Shared libraries that neither the C library nor the release brings. */
  libraries: v.array(TextFloor),
});

/** A bundle by size and digest, so that mirrors need not be trusted. */
const BundleSchema = v.strictObject({
  compression: v.picklist(["zst", "gz"]),
  /** Bytes of the compressed file, its head included, and their digest. */
  size: Size,
  sha256: Sha256,
  /** Bytes of the decompressed tar; its files together are not larger. */
  unpacked: Size,
});

/** The runtime. Node releases bring lib/node, or use the host's own (`system`), which must have the ABI named here. */
const RuntimeSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("bun"), version: v.string() }),
  v.strictObject({
    kind: v.literal("node"),
    version: v.string(),
    /** NODE_MODULE_VERSION: process.versions.modules. */
    abi: v.pipe(v.number(), v.integer()),
    /** The highest Node-API version that it offers. */
    napi: v.optional(v.pipe(v.number(), v.integer())),
    system: v.boolean(),
    /** The file that starts the app, relative to the release. */
    entry: InnerPath,
  }),
]);

/** A program's file name, without a path. */
export const ProgramName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, "is not the name of a program"),
);

const ManifestSchema = v.strictObject({
  schema: v.literal(SCHEMA),
  name: v.string(),
  version: v.string(),
  binary: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "is not a file name")),
  target: v.picklist(TARGETS.map((target) => target.name)),
  /** Version of gantry that made the release. */
  gantry: v.string(),
  runtime: RuntimeSchema,
  /** The bundle of this release's modules, whether or not vendor/ has it; absent when there are no modules. */
  bundle: v.optional(BundleSchema),
  /** The minisign public keys that pin the publisher: bundles and upgrades need a signature by one of them. */
  publicKey: v.optional(v.union([v.string(), v.pipe(v.array(v.string()), v.minLength(1))])),
  /** The program in lib/; absent exactly when the host's own Node runs the app. */
  executable: v.optional(v.strictObject({ size: Size, sha256: Sha256 })),
  launcher: v.strictObject({ size: Size, sha256: Sha256 }),
  /** `first-run`: from a bundle or a registry; `image`: ready before it starts; `vendor`: never from any network. */
  install: v.picklist(["first-run", "image", "vendor"]),
  /** Absent where there is no systemd. */
  service: v.optional(ServiceSchema),
  activate: v.optional(ActivateSchema),
  /** Programs of the host that the app calls. */
  programs: v.optional(v.array(ProgramName)),
  /** Files that pruning kept beyond its rules, for bundles of other targets: patterns, or everything. */
  keep: v.optional(v.union([v.literal("all"), v.array(v.string())])),
  /** Files that `gantry.exclude` leaves out, for bundles of other targets: patterns. */
  exclude: v.optional(v.array(v.string())),
  externals: v.array(ExternalSchema),
  /** By directory relative to node_modules: `libsql`, `@libsql/client`, `a/node_modules/b`. */
  modules: v.record(InnerPath, ModuleSchema),
  /** Native files the externals load, relative to node_modules; the stub watches these. */
  native: v.array(v.strictObject({ path: InnerPath, neededBy: v.array(v.string()) })),
  /** Absent for targets whose files are no ELF. */
  requires: v.optional(RequiresSchema),
});

/** lib/release.json of a release. */
export type Manifest = Readonly<v.InferOutput<typeof ManifestSchema>>;
export type ReleaseRuntime = Manifest["runtime"];
export type ExternalModule = Manifest["externals"][number];
export type ReleaseRequires = NonNullable<Manifest["requires"]>;
export type ReleaseBundle = NonNullable<Manifest["bundle"]>;

/** The compression of all bundles of a release. */
export function bundleCompression({ bundle }: Pick<Manifest, "bundle">): Compression {
  return bundle?.compression ?? "zst";
}
export type TreeModule = Manifest["modules"][string];

/** A release's id: the first RELEASE_ID_LENGTH digits of the SHA-256 of its release.json, which has all other digests. */
export function releaseId(manifestText: string): string {
  return sha256(manifestText).slice(0, RELEASE_ID_LENGTH);
}

/**
 * The digest of a whole tree: SHA-256 over `DIGEST  DIRECTORY\n` of every module, sorted by directory. Releases with the
 * same tree digest share one copy in a store, and can use the same bundle.
 */
export function treeDigest(modules: Manifest["modules"]): string {
  const lines = Object.keys(modules)
    .toSorted()
    .map((directory) => `${modules[directory]?.digest ?? ""}  ${directory}\n`);
  return sha256(lines.join(""));
}

export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 1)}\n`;
}

/**
 * Parses and checks release.json.
 * @param where the file's path, for messages
 * @throws GantryError MANIFEST_INVALID that names the key: truncated text, unknown keys, a newer schema
 */
export function parseManifest(text: string, where: string): Manifest {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    const what = "release.json is not whole: it ends early or is not JSON";
    throw new GantryError({ code: "MANIFEST_INVALID", what, where });
  }
  const schema = typeof data === "object" && data !== null && "schema" in data ? data.schema : undefined;
  if (typeof schema === "number" && schema > SCHEMA) {
    throw new GantryError({
      code: "MANIFEST_INVALID",
      what: `release.json has schema ${schema}; this launcher reads schema ${SCHEMA}`,
      where,
      fix: "unpack the whole release archive again: lib/launcher.mjs and lib/release.json belong together",
    });
  }
  const result = v.safeParse(ManifestSchema, data);
  if (result.success) {
    if ((result.output.executable === undefined) === runsOnSystem(result.output.runtime))
      return result.output;
    const what = 'release.json: "executable" does not fit "runtime.system"';
    throw new GantryError({ code: "MANIFEST_INVALID", what, where });
  }
  const issue = result.issues[0];
  const key = v.getDotPath(issue) ?? "release.json";
  const unknown = issue.expected === "never";
  throw new GantryError({
    code: "MANIFEST_INVALID",
    what: unknown ? `release.json has an unknown key "${key}"` : `release.json: "${key}": ${issue.message}`,
    where,
  });
}

/** Whether the host's own Node runs the app. */
export function runsOnSystem(runtime: ReleaseRuntime): boolean {
  return runtime.kind === "node" && runtime.system;
}

/** The runtime as people call it: `Bun 1.4.5`. */
export function runtimeName(runtime: ReleaseRuntime): string {
  return `${runtime.kind === "bun" ? "Bun" : "Node"} ${runtime.version}`;
}

/** NODE_MODULE_VERSION of a release's runtime; undefined when it is not known. */
export function runtimeAbi(runtime: ReleaseRuntime): number | undefined {
  return runtime.kind === "node" ? runtime.abi : abiOfBun(runtime.version);
}

export function manifestTarget(manifest: Manifest): Target {
  return parseTarget(manifest.target);
}

/**
 * The files that a tree with these externals must have, by path relative to node_modules. A module is in the tree when
 * one of these externals needs it.
 */
export function filesOfTree(manifest: Manifest, included: ReadonlySet<string>): Map<string, FileEntry> {
  const files = new Map<string, FileEntry>();
  for (const [directory, module] of modulesFor(manifest, included)) {
    for (const [path, entry] of Object.entries(module.files)) files.set(`${directory}/${path}`, entry);
  }
  return files;
}

type ModuleEntry = readonly [directory: string, module: TreeModule];

/** The modules of a tree: those that an available external needs. The manifest may list others, which no tree has. */
export function wantedModules(manifest: Manifest): ModuleEntry[] {
  return modulesFor(manifest, new Set(availableExternals(manifest).map(({ name }) => name)));
}

function modulesFor({ modules }: Manifest, externals: ReadonlySet<string>): ModuleEntry[] {
  return Object.entries(modules).filter(([, module]) => module.neededBy.some((name) => externals.has(name)));
}

/** The native files that an external needs, relative to node_modules, grouped by package. */
export function nativeByModule(
  { modules, native }: Pick<Manifest, "modules" | "native">,
  external: string,
): string[][] {
  const directories = Object.keys(modules).toSorted((a, b) => b.length - a.length);
  const groups = new Map<string, string[]>();
  for (const { path, neededBy } of native) {
    if (!neededBy.includes(external)) continue;
    const directory = directories.find((candidate) => path.startsWith(`${candidate}/`)) ?? "";
    groups.set(directory, [...(groups.get(directory) ?? []), path]);
  }
  return [...groups.values()];
}

/** The externals that a tree may have: those that the build could make work. */
export function availableExternals(manifest: Manifest): ExternalModule[] {
  return manifest.externals.filter((external) => external.unavailable === undefined);
}

/**
 * Names of the packages that only a bundle has, because an install script made some of their files on the build machine,
 * and that a required external needs. An optional external of that kind is left out instead.
 */
export function onlyBundled({ externals, modules }: Pick<Manifest, "externals" | "modules">): string[] {
  const required = new Set(externals.flatMap(({ name, optional }) => (optional ? [] : [name])));
  return Object.values(modules).flatMap(({ name, source, neededBy }) =>
    source === "bundle" && neededBy.some((external) => required.has(external)) ? [name] : [],
  );
}
