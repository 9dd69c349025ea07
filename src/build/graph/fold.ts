/**
 * Computes the paths that a source file writes as expressions of its own place: `join(import.meta.dir, "views")`,
 * `new URL("../drizzle", import.meta.url)`, `path.resolve(__dirname, name)`. An address is the text of its href. Pure:
 * other files are read by a function that the caller gives.
 */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  boundNames,
  chainOf,
  child,
  children,
  cookedOf,
  nameOf,
  textOf,
  walk,
  type SyntaxNode,
} from "./syntax.ts";

/** Stands for a part of a text that is known only when the app runs. */
export const UNKNOWN = "\u0000";
/** Stands for the current directory. */
export const CURRENT = "/\u0001";

export interface FoldContext {
  /** Absolute path of the file. */
  readonly path: string;
  /** The value that a module of this specifier exports by a name; undefined when it is not known. */
  readonly importOf: (specifier: string, name: string) => string | undefined;
}

export interface Folder {
  /** The value of an expression. Undefined when nothing is known of it. */
  readonly fold: (node: SyntaxNode | undefined) => string | undefined;
  /** The value of an exported variable. */
  readonly exported: (name: string) => string | undefined;
}

type Fold = Folder["fold"];
interface Imported {
  readonly from: string;
  readonly name: string;
}

export function createFolder(program: SyntaxNode, context: FoldContext): Folder {
  const values = readBindings(program);
  const imports = readImports(program);
  const bound = boundNames(program);
  const busy = new Set<string>();
  const ofName = (name: string): string | undefined => {
    if (name === "__dirname" && !bound.has(name)) return dirname(context.path);
    if (name === "__filename" && !bound.has(name)) return context.path;
    const imported = imports.get(name);
    if (imported !== undefined) return context.importOf(imported.from, imported.name);
    const value = values.get(name);
    if (value === undefined || busy.has(name)) return undefined;
    busy.add(name);
    const result = fold(value);
    busy.delete(name);
    return result;
  };
  const fold: Fold = (node) => {
    if (node === undefined) return undefined;
    const text = textOf(node);
    if (text !== undefined) return text;
    const name = nameOf(node);
    if (name !== undefined) return ofName(name);
    if (/^(?:ParenthesizedExpression|ChainExpression|TS\w+Expression)$/.test(node.type))
      return fold(child(node, "expression"));
    if (node.type === "TemplateLiteral") return foldTemplate(node, fold);
    if (node.type === "BinaryExpression") return foldSum(node, fold);
    if (node.type === "MemberExpression") return foldMember(node, context.path, fold);
    if (node.type === "NewExpression") return foldUrl(node, fold);
    return node.type === "CallExpression" ? foldCall(node, imports, fold) : undefined;
  };
  return { fold, exported: ofName };
}

function foldTemplate(node: SyntaxNode, fold: Fold): string {
  const expressions = children(node, "expressions");
  return children(node, "quasis")
    .map(
      (quasi, index) =>
        cookedOf(quasi) + (index < expressions.length ? (fold(expressions[index]) ?? UNKNOWN) : ""),
    )
    .join("");
}

function foldSum(node: SyntaxNode, fold: Fold): string | undefined {
  const left = fold(child(node, "left"));
  return node["operator"] === "+" && left !== undefined
    ? left + (fold(child(node, "right")) ?? UNKNOWN)
    : undefined;
}

function foldMember(node: SyntaxNode, path: string, fold: Fold): string | undefined {
  const chain = chainOf(node).join(".");
  if (/^import\.meta\.dir(?:name)?$/.test(chain)) return dirname(path);
  if (/^import\.meta\.(?:path|filename)$/.test(chain)) return path;
  if (chain === "import.meta.url") return pathToFileURL(path).href;
  const value = fold(child(node, "object"));
  const property = nameOf(child(node, "property"));
  if (value?.startsWith("file:") !== true) return undefined;
  if (property === "href") return value;
  return property === "pathname" ? pathOf(value) : undefined;
}

function foldUrl(node: SyntaxNode, fold: Fold): string | undefined {
  if (chainOf(child(node, "callee")).join(".") !== "URL") return undefined;
  const [first, second] = children(node, "arguments");
  const base = fold(second);
  if (base?.startsWith("file:") !== true) return undefined;
  // URL would escape these characters.
  const text = fold(first) ?? UNKNOWN;
  return URL.canParse(text, base) ? new URL(text, base).href : undefined;
}

const PATH_MODULE = /^(?:node:)?path(?:\/posix)?$/;
const URL_MODULE = /^(?:node:)?url$/;

function foldCall(node: SyntaxNode, imports: ReadonlyMap<string, Imported>, fold: Fold): string | undefined {
  const chain = chainOf(child(node, "callee"));
  const values = children(node, "arguments").map((argument) => fold(argument));
  const [first = ""] = chain;
  if (chain.join(".") === "process.cwd") return CURRENT;
  if (chain.at(-1) === "toString" && chain.length === 1) return undefined;
  const imported = imports.get(first);
  const called = chain.length === 1 ? imported?.name : chain.at(-1);
  if (imported !== undefined && URL_MODULE.test(imported.from)) {
    const [value] = values;
    if (called === "fileURLToPath" && value !== undefined) return pathOf(value);
    return called === "pathToFileURL" && value?.startsWith("/") === true
      ? pathToFileURL(value).href
      : undefined;
  }
  const [start, ...rest] = values;
  if (imported === undefined || !PATH_MODULE.test(imported.from) || start === undefined) return undefined;
  const parts = [start, ...rest.map((value) => value ?? UNKNOWN)];
  if (called === "join") return join(...parts);
  if (called === "resolve") return start.startsWith("/") ? resolve(...parts) : resolve(CURRENT, ...parts);
  if (called === "dirname") return dirname(start);
  return called === "normalize" ? join(start) : undefined;
}

/** The path of a file's address, with the marks of {@link UNKNOWN} and {@link CURRENT} in it. */
export function pathOf(value: string): string {
  if (!value.startsWith("file:")) return value;
  try {
    return fileURLToPath(value.replaceAll("%00", UNKNOWN_IN_URL)).replaceAll(UNKNOWN_IN_URL, UNKNOWN);
  } catch {
    return UNKNOWN;
  }
}

/** A text that no URL changes. Node refuses a path with a zero byte. */
const UNKNOWN_IN_URL = "gantry-unknown-part";

/** The initial values of variables whose name is declared once in the file. */
function readBindings(program: SyntaxNode): ReadonlyMap<string, SyntaxNode> {
  const values = new Map<string, SyntaxNode>();
  const seen = new Set<string>();
  walk(program, (node) => {
    if (node.type === "AssignmentExpression") {
      const name = nameOf(child(node, "left"));
      if (name !== undefined) seen.add(`=${name}`);
    }
    if (node.type !== "VariableDeclarator") return;
    const name = nameOf(child(node, "id"));
    const value = child(node, "init");
    if (name === undefined) return;
    if (seen.has(name) || value === undefined) values.delete(name);
    else values.set(name, value);
    seen.add(name);
  });
  for (const name of values.keys()) if (seen.has(`=${name}`)) values.delete(name);
  return values;
}

/**
 * What imports bind: `import`, `require`, and `const { join } = path` of an imported name. A default or namespace import
 * has the name `default`.
 */
function readImports(program: SyntaxNode): ReadonlyMap<string, Imported> {
  const found = new Map<string, Imported>();
  walk(program, (node) => {
    if (node.type === "ImportDeclaration") {
      const from = textOf(child(node, "source")) ?? "";
      for (const specifier of children(node, "specifiers")) {
        const name = nameOf(child(specifier, "imported")) ?? "default";
        found.set(nameOf(child(specifier, "local")) ?? "", { from, name });
      }
    }
    if (node.type !== "VariableDeclarator") return;
    const from = moduleOf(child(node, "init"), found);
    if (from === undefined) return;
    const id = child(node, "id");
    const name = nameOf(id);
    if (name !== undefined) found.set(name, { from, name: "default" });
    for (const property of children(id, "properties")) {
      const local = nameOf(child(property, "value"));
      if (local !== undefined) found.set(local, { from, name: nameOf(child(property, "key")) ?? "" });
    }
  });
  return found;
}

/** The specifier of the module that an expression is. */
function moduleOf(node: SyntaxNode | undefined, known: ReadonlyMap<string, Imported>): string | undefined {
  const imported = known.get(nameOf(node) ?? "");
  if (imported?.name === "default") return imported.from;
  if (node?.type !== "CallExpression" || chainOf(child(node, "callee")).join(".") !== "require")
    return undefined;
  return textOf(children(node, "arguments")[0]);
}
