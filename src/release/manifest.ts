/**
 * lib/release.json, the one thing both sides share: what was built, for which target, and every file that the
 * prepared tree must hold. Written by the build, read by the launcher; unknown keys are refused, because a launcher
 * that skips what it does not understand would call a tree proven that it only half checked.
 */
import * as v from "valibot";
import { GantryError } from "../base/errors.ts";
import type { Compression } from "./bundle.ts";
import { ActivateSchema, ServiceSchema } from "./service.ts";
import { RELEASE_ID_LENGTH } from "./stamp.ts";
import { parseTarget, TARGETS, type Target } from "./targets.ts";
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
  /** Present when the build could not make it work: the tree goes without it, and this says why and what to do. */
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
   * Present when an install script made some of its files on the building machine: no registry serves those, and hosts
   * run no scripts, so that only a bundle or a tree that was made elsewhere brings this module.
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

/** Every byte of it is known beforehand, so that a mirror needs no trust. */
const BundleSchema = v.strictObject({
  compression: v.picklist(["zst", "gz"]),
  /** Bytes of the compressed file, its head included, and their digest. */
  size: Size,
  sha256: Sha256,
  /** Bytes of the tar that comes out of it: nothing may come out longer. */
  unpacked: Size,
});

/** What runs the app. Node's releases bring lib/node, or rely on the host's own (`system`), which must be of one ABI. */
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

const ManifestSchema = v.strictObject({
  schema: v.literal(SCHEMA),
  name: v.string(),
  version: v.string(),
  binary: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "is not a file name")),
  target: v.picklist(TARGETS.map((target) => target.name)),
  /** Version of gantry that made the release. */
  gantry: v.string(),
  runtime: RuntimeSchema,
  /** The bundle of this release's modules, whether or not it rides in vendor/; absent when there are no modules. */
  bundle: v.optional(BundleSchema),
  /** The minisign public key that bundles, upgrades and mirrors of this release must be signed by; or several, any of them. */
  publicKey: v.optional(v.union([v.string(), v.pipe(v.array(v.string()), v.minLength(1))])),
  /** The program in lib/; absent exactly when the host's own Node runs the app. */
  executable: v.optional(v.strictObject({ size: Size, sha256: Sha256 })),
  launcher: v.strictObject({ size: Size, sha256: Sha256 }),
  /** `first-run`: from a bundle or a registry; `image`: ready before it starts; `vendor`: never from any network. */
  install: v.picklist(["first-run", "image", "vendor"]),
  /** Absent where there is no systemd. */
  service: v.optional(ServiceSchema),
  activate: v.optional(ActivateSchema),
  /** What pruning left in beyond its rules, for whoever makes the bundle of another target: patterns, or everything. */
  keep: v.optional(v.union([v.literal("all"), v.array(v.string())])),
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

/** How a release's bundles are compressed: as its own is. */
export function bundleCompression({ bundle }: Pick<Manifest, "bundle">): Compression {
  return bundle?.compression ?? "zst";
}
export type TreeModule = Manifest["modules"][string];

/** The name of a release: the first digits of the SHA-256 of its release.json, which binds everything else. */
export function releaseId(manifestText: string): string {
  return sha256(manifestText).slice(0, RELEASE_ID_LENGTH);
}

/**
 * The name of a whole tree: SHA-256 over `DIGEST  DIRECTORY\n` of every module, sorted by directory. Releases with the
 * same tree digest share one copy in a store, and one bundle serves them all.
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

/** Is it the host's own program that runs the app? */
export function runsOnSystem(runtime: ReleaseRuntime): boolean {
  return runtime.kind === "node" && runtime.system;
}

/** The runtime as people call it: `Bun 1.4.5`. */
export function runtimeName(runtime: ReleaseRuntime): string {
  return `${runtime.kind === "bun" ? "Bun" : "Node"} ${runtime.version}`;
}

export function manifestTarget(manifest: Manifest): Target {
  return parseTarget(manifest.target);
}

/**
 * The files that a tree with these externals must hold, by path relative to node_modules.
 * A module is in when one of the externals that need it is.
 */
export function filesOfTree(manifest: Manifest, included: ReadonlySet<string>): Map<string, FileEntry> {
  const files = new Map<string, FileEntry>();
  for (const [directory, module] of modulesFor(manifest, included)) {
    for (const [path, entry] of Object.entries(module.files)) files.set(`${directory}/${path}`, entry);
  }
  return files;
}

type ModuleEntry = readonly [directory: string, module: TreeModule];

/** Modules that some available external needs; the manifest may list others, which no tree holds. */
export function wantedModules(manifest: Manifest): ModuleEntry[] {
  return modulesFor(manifest, new Set(availableExternals(manifest).map(({ name }) => name)));
}

function modulesFor({ modules }: Manifest, externals: ReadonlySet<string>): ModuleEntry[] {
  return Object.entries(modules).filter(([, module]) => module.neededBy.some((name) => externals.has(name)));
}

/** The native files that an external needs, relative to node_modules, those of one package together. */
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

/** Externals that the build could provide: the ones a tree may hold. */
export function availableExternals(manifest: Manifest): ExternalModule[] {
  return manifest.externals.filter((external) => external.unavailable === undefined);
}
