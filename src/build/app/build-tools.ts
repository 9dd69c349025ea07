/**
 * Chooses the tool that makes the JavaScript of a Node app without a `build` script. The first tool of a table is taken
 * that is among the app's dependencies and is configured beside package.json or in it. Without such a tool, a compiler
 * is called with arguments from here. Pure: the names and texts that decide are parameters.
 */
import { topOf } from "../../release/index.ts";

/** The facts that decide which tool is chosen. */
export interface ToolFacts {
  /** Names in the dependencies and devDependencies of the app and of its workspace root. */
  readonly dependencies: ReadonlySet<string>;
  /** The keys of the app's package.json. */
  readonly keys: ReadonlySet<string>;
  /** The names of the files beside the app's package.json. */
  readonly files: readonly string[];
  /** Reads the text of one of these files. */
  readonly read: (file: string) => string;
}

interface Bundler {
  /** Name of the tool's package. */
  readonly name: string;
  /** Matches the name of the tool's configuration file. */
  readonly config: RegExp;
  /** The key of package.json that may hold the configuration instead. */
  readonly key?: string;
  /** What the configuration file has to contain for the result to run on Node. */
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
  // A configuration without the word `ssr` builds pages for browsers.
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
  /** Compilers whose arguments are chosen here, in the order in which to try them. */
  | { readonly kind: "compilers"; readonly names: readonly [Compiler, ...Compiler[]] };

/**
 * Chooses the tool that makes the app's JavaScript.
 * @returns undefined when the app has no known tool
 */
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

/** One compilation. All paths are relative to the app. */
export interface Derivation {
  readonly source: string;
  /** The source directory, whose layout is kept. */
  readonly root: string;
  /** The output directory for `root`. */
  readonly out: string;
  /** The file that is made from `source`. */
  readonly entry: string;
}

const TYPESCRIPT = /\.([cm]?)tsx?$/;

/**
 * Finds the source of an entry. An entry in TypeScript becomes JavaScript beside it, so that relative paths stay valid.
 * An entry in JavaScript is compiled from the source of the same name, in src or in the app's own directory.
 * @param part the first directory of the entry's path, which is the compiler's output directory; `.` when the entry
 *   lies in the app's own directory
 * @param exists says whether the app has a file at this path
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

/**
 * The command of swc. Undefined when the source lies in the app's own directory, or outside src while the output goes
 * to another directory: swc would have to compile the app's whole directory.
 */
export function swcCommand({ source, root, out }: Derivation): readonly string[] | undefined {
  const directory = topOf(source);
  if (directory === "." || (root === "." && out !== ".")) return undefined;
  return ["swc", directory, "--out-dir", out === "." ? directory : out, "--strip-leading-paths"];
}

/**
 * The command of esbuild. It keeps imports of packages, because packages lie beside the app.
 * @param module the format of this app's `.js` files
 */
export function esbuildCommand({ source, entry }: Derivation, module: "esm" | "cjs"): readonly string[] {
  const format = entry.endsWith(".mjs") ? "esm" : entry.endsWith(".cjs") ? "cjs" : module;
  // node20: the oldest Node that a release can run on.
  const fixed = ["--bundle", "--platform=node", "--packages=external", "--target=node20"];
  return ["esbuild", source, ...fixed, `--format=${format}`, `--outfile=${entry}`];
}

/** What `tsc --showConfig` reports for an app's tsconfig.json. */
export interface CheckedConfig {
  /** The files that tsconfig.json compiles, relative to it. */
  readonly files: readonly string[];
  /** True when it writes JavaScript. Many apps use tsconfig.json only to check types. */
  readonly emits: boolean;
  /** True when it allows `from "./a.ts"`. */
  readonly importsTs: boolean;
}

/**
 * A configuration that extends the app's tsconfig.json and writes JavaScript. It compiles the source, and those files
 * of tsconfig.json that lie in the source directory or are declarations.
 */
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
