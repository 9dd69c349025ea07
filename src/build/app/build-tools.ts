/**
 * Chooses the tool that makes the JavaScript of a Node app without a `build` script: the first tool of a table that is
 * among the app's dependencies and has a configuration file beside package.json, else a compiler with arguments from
 * here. Pure: the names and texts that decide are passed in.
 */
import { topOf } from "../../release/index.ts";

/** What decides the choice. */
export interface ToolFacts {
  /** Names in the dependencies and devDependencies of the app and of its workspace's root. */
  readonly dependencies: ReadonlySet<string>;
  /** The keys of its package.json. */
  readonly keys: ReadonlySet<string>;
  /** The files beside its package.json. */
  readonly files: readonly string[];
  /** The text of one of these files. */
  readonly read: (file: string) => string;
}

interface Bundler {
  /** Name of its package. */
  readonly name: string;
  /** Name of its configuration file. */
  readonly config: RegExp;
  /** The key of package.json that may hold the configuration instead. */
  readonly key?: string;
  /** What the configuration has to contain for the result to run on Node. */
  readonly says?: RegExp;
  /** The command and its arguments. */
  readonly command: (config: string) => readonly string[];
}

/** Tools whose configuration says both what to compile and where to put it. */
const BUNDLERS: readonly Bundler[] = [
  {
    name: "tsup",
    config: /^tsup\.config\.(?:[cm]?[jt]s|json)$/,
    key: "tsup",
    command: () => ["tsup"],
  },
  {
    name: "tsdown",
    config: /^tsdown\.config\.(?:[cm]?[jt]s|json)$/,
    key: "tsdown",
    command: () => ["tsdown"],
  },
  { name: "unbuild", config: /^build\.config\.[cm]?[jt]s$/, key: "unbuild", command: () => ["unbuild"] },
  {
    name: "rolldown",
    config: /^rolldown\.config\.[cm]?[jt]s$/,
    command: (config) => ["rolldown", "-c", config],
  },
  { name: "rollup", config: /^rollup\.config\.[cm]?js$/, command: (config) => ["rollup", "-c", config] },
  {
    name: "webpack-cli",
    config: /^webpack\.config\.[cm]?[jt]s$/,
    command: (config) => ["webpack-cli", "-c", config],
  },
  // Without that word it builds pages for browsers.
  {
    name: "vite",
    config: /^vite\.config\.[cm]?[jt]s$/,
    says: /\bssr\b/,
    command: () => ["vite", "build"],
  },
  // esbuild has no configuration file: people write a program that calls it.
  { name: "esbuild", config: /^esbuild(?:\.config)?\.[cm]?js$/, command: (config) => ["node", config] },
];

type Compiler = "swc" | "tsc" | "esbuild";

export type BuildTool =
  | { readonly kind: "bundler"; readonly name: string; readonly command: readonly string[] }
  /** Compilers that get their arguments from here, in the order in which to try them. */
  | { readonly kind: "compilers"; readonly names: readonly [Compiler, ...Compiler[]] };

/** @returns undefined when the app has no known tool */
export function chooseBuildTool(facts: ToolFacts): BuildTool | undefined {
  const { dependencies, keys, files, read } = facts;
  for (const { name, config, key, says, command } of BUNDLERS) {
    if (!dependencies.has(name)) continue;
    const file = files.find((candidate) => config.test(candidate));
    const told =
      file === undefined ? key !== undefined && keys.has(key) : says === undefined || says.test(read(file));
    if (told) return { kind: "bundler", name, command: command(file ?? "") };
  }
  const [first, ...rest] = compilersOf(facts);
  return first === undefined ? undefined : { kind: "compilers", names: [first, ...rest] };
}

function compilersOf({ dependencies, files }: ToolFacts): Compiler[] {
  const has: Readonly<Record<Compiler, boolean>> = {
    swc: dependencies.has("@swc/cli") && files.includes(".swcrc"),
    tsc: dependencies.has("typescript") && files.includes("tsconfig.json"),
    esbuild: dependencies.has("esbuild"),
  };
  return (["swc", "tsc", "esbuild"] as const).filter((name) => has[name]);
}

/** One compilation. Paths are relative to the app. */
export interface Derivation {
  readonly source: string;
  /** The source directory, whose layout is kept. */
  readonly root: string;
  /** The output directory for `root`. */
  readonly out: string;
  /** The file that is made of `source`. */
  readonly entry: string;
}

const TYPESCRIPT = /\.([cm]?)tsx?$/;

/**
 * Finds the source of an entry. An entry in TypeScript becomes JavaScript beside it, so that relative paths stay
 * valid. An entry in JavaScript is made of the source of the same name, in src or at the app's top.
 * @param part the first directory in the entry's path
 * @returns undefined when there is no such source
 */
export function deriveSource(
  entry: string,
  part: string,
  exists: (path: string) => boolean,
): Derivation | undefined {
  if (TYPESCRIPT.test(entry))
    return { source: entry, root: ".", out: ".", entry: entry.replace(TYPESCRIPT, ".$1js") };
  if (part === ".") return undefined;
  const inside = entry.slice(part.length + 1);
  const kinds = inside.endsWith(".js") ? [".ts", ".tsx"] : [inside.replace(/^.*\.([cm])js$/, ".$1ts")];
  const stem = inside.replace(/\.[cm]?js$/, "");
  for (const root of ["src", "."]) {
    const source = kinds.map((kind) => (root === "." ? "" : `${root}/`) + stem + kind).find(exists);
    if (source !== undefined) return { source, root, out: part, entry };
  }
  return undefined;
}

/** The compiler's command. Undefined when the sources would be the app's whole directory. */
export function swcCommand({ source, root, out }: Derivation): readonly string[] | undefined {
  const directory = topOf(source);
  if (directory === "." || (root === "." && out !== ".")) return undefined;
  return ["swc", directory, "--out-dir", out === "." ? directory : out, "--strip-leading-paths"];
}

/**
 * Imports of packages are kept, because packages lie beside the app.
 * @param module is `.js` ESM in this app?
 */
export function esbuildCommand({ source, entry }: Derivation, module: "esm" | "cjs"): readonly string[] {
  const format = entry.endsWith(".mjs") ? "esm" : entry.endsWith(".cjs") ? "cjs" : module;
  // The oldest Node that a release can run on.
  const fixed = ["--bundle", "--platform=node", "--packages=external", "--target=node20"];
  return ["esbuild", source, ...fixed, `--format=${format}`, `--outfile=${entry}`];
}

/** Output of `tsc --showConfig` for an app's tsconfig.json. */
export interface CheckedConfig {
  /** The files that it compiles, relative to it. */
  readonly files: readonly string[];
  /** Does it write JavaScript? Many apps use it to check types only. */
  readonly emits: boolean;
  /** Does it allow `from "./a.ts"`? */
  readonly importsTs: boolean;
}

/** A tsconfig.json that extends the app's own and writes JavaScript of the same files. */
export function emittingConfig(
  { source, root, out }: Derivation,
  { files, importsTs }: CheckedConfig,
): object {
  const inside = (file: string): boolean =>
    root === "." || file.startsWith(`${root}/`) || /\.d\.[cm]?ts$/.test(file);
  return {
    extends: "./tsconfig.json",
    compilerOptions: {
      noEmit: false,
      emitDeclarationOnly: false,
      declaration: false,
      declarationMap: false,
      composite: false,
      incremental: false,
      rootDir: root,
      outDir: out,
      ...(importsTs ? { allowImportingTsExtensions: false, rewriteRelativeImportExtensions: true } : {}),
    },
    files: [...new Set([source, ...files.map((file) => file.replace(/^\.\//, "")).filter(inside)])],
    include: [],
  };
}
