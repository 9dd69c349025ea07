/**
 * Finds the files that a source file reads beside the sources, by the paths that it computes from its own place, and
 * those that it reads relative to the current directory. Files of the disk are only looked for, except that modules from
 * which a path is imported are read.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { createFolder, CURRENT, pathOf, UNKNOWN, type Folder } from "./fold.ts";
import { chainOf, child, children, parseSource, textOf, walk, type SyntaxNode } from "./syntax.ts";

/** A file or directory that a source file names. */
export interface NamedFile {
  readonly path: string;
  /** The source file and its line, counted from 1. */
  readonly by: string;
  readonly line: number;
  /** `place`: computed from the source's own place. `current`: relative to the current directory. */
  readonly from: "place" | "current";
  /** True when only a directory is known, in which a file is named when the app runs. */
  readonly partial: boolean;
}

export interface FilesContext {
  readonly path: string;
  /** Directory that stands for the current one: the app's. */
  readonly appDir: string;
  /** The file of a module; undefined when there is none. */
  readonly resolveModule: (specifier: string, importer: string) => string | undefined;
}

/** A quick test: whether a text may name such a file. */
const SUSPECT =
  /\bimport\s*\.\s*meta\b|\b__(?:dir|file)name\b|\bprocess\s*\.\s*cwd\b|\b(?:read\w*|createReadStream|file)\s*\(\s*["'`]|\bnode:(?:path|url)\b/;

/** The files and directories that a source names and that exist. */
export function findFiles(text: string, context: FilesContext): readonly NamedFile[] {
  if (!SUSPECT.test(text)) return [];
  const program = parseSource(context.path, text);
  if (program === undefined) return [];
  const { fold } = folderOf(program, context);
  const found = new Map<string, NamedFile>();
  const add = (node: SyntaxNode, file: Pick<NamedFile, "path" | "from" | "partial">): void => {
    const line = text.slice(0, node.start).split("\n").length;
    if (!found.has(file.path)) found.set(file.path, { ...file, by: context.path, line });
  };
  const places: boolean[] = [];
  walk(program, (node, parents) => {
    if (/^import\.meta$|^__(?:dir|file)name$/.test(chainOf(node)[0] ?? "")) places.push(true);
    const file = existing(computed(node, fold), context);
    // A larger expression around it says more.
    if (file === undefined || parents.some((outer) => existing(computed(outer, fold), context) !== undefined))
      return;
    add(node, file);
  });
  if (places.length > 0) {
    for (const [path, node] of literalsBeside(program, context))
      add(node, { path, from: "place", partial: false });
  }
  for (const [path, node] of readsOfCurrent(program, context))
    add(node, { path, from: "current", partial: false });
  return [...found.values()];
}

/** The value of an expression that adds something to a place. */
function computed(node: SyntaxNode, fold: Folder["fold"]): string | undefined {
  if (!/^(?:CallExpression|NewExpression|BinaryExpression|TemplateLiteral)$/.test(node.type))
    return undefined;
  const value = fold(node);
  return value === undefined || !/^(?:\/|file:)/.test(value) ? undefined : pathOf(value);
}

/** What there is at a path. Of a path with an unknown part, the directory before that part. */
function existing(
  value: string | undefined,
  { appDir }: FilesContext,
): Pick<NamedFile, "path" | "from" | "partial"> | undefined {
  if (value === undefined) return undefined;
  const from = value.startsWith(CURRENT) ? "current" : "place";
  const whole = from === "current" ? join(appDir, value.slice(CURRENT.length)) : value;
  const unknown = whole.indexOf(UNKNOWN);
  const path = unknown === -1 ? whole.replace(/\/+$/, "") : dirname(`${whole.slice(0, unknown)}x`);
  if (!isAbsolute(path) || (from === "current" && path === appDir)) return undefined;
  return statSync(path, { throwIfNoEntry: false }) === undefined
    ? undefined
    : { path, from, partial: unknown !== -1 };
}

/**
 * Text literals that name a file beside the source, such as the `.wasm` to which generated code adds its directory at
 * run time.
 */
function literalsBeside(program: SyntaxNode, { path }: FilesContext): Map<string, SyntaxNode> {
  const found = new Map<string, SyntaxNode>();
  walk(program, (node, [parent]) => {
    const text = textOf(node);
    if (text === undefined || !/^[\w@-][\w./@-]*\.\w+$/.test(text) || /\.(?:[cm]?[jt]sx?|node)$/.test(text))
      return;
    if (parent?.type === "ImportDeclaration" || parent?.type === "ImportExpression") return;
    const file = resolve(dirname(path), text);
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) found.set(file, node);
  });
  return found;
}

const READS = /^(?:read(?:File|dir|FileSync|dirSync)|createReadStream)$/;

/** Relative names that are given to functions which read files. */
function readsOfCurrent(program: SyntaxNode, { appDir }: FilesContext): Map<string, SyntaxNode> {
  const found = new Map<string, SyntaxNode>();
  walk(program, (node) => {
    if (node.type !== "CallExpression") return;
    const chain = chainOf(child(node, "callee"));
    if (!READS.test(chain.at(-1) ?? "") && chain.join(".") !== "Bun.file") return;
    const text = textOf(children(node, "arguments")[0]);
    if (text === undefined || isAbsolute(text) || text.includes(":")) return;
    const file = join(appDir, text);
    if (statSync(file, { throwIfNoEntry: false }) !== undefined) found.set(file, node);
  });
  return found;
}

/** Paths are imported through at most this many modules. */
const DEPTH = 4;

/** Computes the paths of a source, those that it imports from its own modules too. */
export function folderOf(program: SyntaxNode, context: FilesContext, depth = 0): Folder {
  return createFolder(program, {
    path: context.path,
    importOf: (specifier, name) => {
      const path =
        depth < DEPTH && specifier.startsWith(".")
          ? context.resolveModule(specifier, context.path)
          : undefined;
      if (path === undefined || !/\.[cm]?[jt]sx?$/.test(path)) return undefined;
      const imported = parseSource(path, readFileSync(path, "utf8"));
      return imported === undefined
        ? undefined
        : folderOf(imported, { ...context, path }, depth + 1).exported(name);
    },
  });
}
