/**
 * Finds where a source file loads modules in ways that a bundler does not follow: names that are computed, and functions
 * that `createRequire` makes. Pure.
 */
import { createFolder, UNKNOWN } from "./fold.ts";
import {
  boundNames,
  chainOf,
  child,
  children,
  nameOf,
  parseSource,
  walk,
  type SyntaxNode,
} from "./syntax.ts";

/** One such place. */
export interface ComputedLoad {
  /** Counted from 1. */
  readonly line: number;
  /** The call as it is written, at most 60 characters of it. */
  readonly text: string;
  /**
   * What is loaded. `name`: a package whose name is fixed. `near`: a file beside the sources, by a path that is not
   * fixed. `any`: a name that is known only when the app runs.
   */
  readonly what: "name" | "near" | "any";
  /** The package's name, for `name`. */
  readonly name?: string;
}

/** A quick test: whether a text may load such a module. */
const SUSPECT = /\bcreateRequire\b|\b(?:require|import)\s*\(\s*(?!\s*(["'])[^"'\n]*\1\s*[),])/;
const LOADERS = new Set(["require", "import.meta.require", "module.require"]);

export function findComputedLoads(path: string, text: string): readonly ComputedLoad[] {
  if (!SUSPECT.test(text)) return [];
  const program = parseSource(path, text);
  if (program === undefined) return [];
  const { fold } = createFolder(program, { path, importOf: () => undefined });
  const made = madeRequires(program);
  const bound = boundNames(program);
  const found: ComputedLoad[] = [];
  walk(program, (node) => {
    const call = loadOf(node, made, bound);
    if (call === undefined) return;
    const value = fold(call.argument);
    const fixed = value !== undefined && !value.includes(UNKNOWN);
    // Bun follows these, wherever they lead.
    if (call.followed && fixed) return;
    const what = kindOf(value, path);
    const name = what === "name" ? PACKAGE.exec(value ?? "")?.[1] : undefined;
    if (what === "name" && (!fixed || name === undefined)) return;
    found.push({
      line: text.slice(0, node.start).split("\n").length,
      text: text.slice(node.start, Math.min(node.end, node.start + 60)).replaceAll(/\s+/g, " "),
      what,
      ...(name === undefined ? {} : { name }),
    });
  });
  return found;
}

function kindOf(value: string | undefined, path: string): ComputedLoad["what"] {
  if (value === undefined || value.startsWith(UNKNOWN)) return "any";
  if (/^\.{1,2}(?:\/|$)/.test(value)) return "near";
  if (!value.startsWith("/")) return "name";
  return path.startsWith(value.slice(0, value.lastIndexOf("/") + 1)) ? "near" : "any";
}

/** A specifier of a package. Those of built-in modules with a scheme are none. */
const PACKAGE = /^((?:@[\w.~-]+\/)?[\w~-][\w.~-]*)(?:\/|$)/;

interface Call {
  readonly argument: SyntaxNode | undefined;
  /** True when Bun's bundler follows the call, if its argument is fixed. */
  readonly followed: boolean;
}

function loadOf(node: SyntaxNode, made: ReadonlySet<string>, bound: ReadonlySet<string>): Call | undefined {
  if (node.type === "ImportExpression") return { argument: child(node, "source"), followed: true };
  if (node.type !== "CallExpression") return undefined;
  const [argument] = children(node, "arguments");
  if (argument === undefined) return undefined;
  const callee = child(node, "callee");
  if (isCreateRequire(callee)) return { argument, followed: false };
  const chain = chainOf(callee).join(".");
  if (made.has(chain)) return { argument, followed: false };
  // A bundle passes a function of its own by this name.
  if (!LOADERS.has(chain) || bound.has(chain.split(".")[0] ?? "")) return undefined;
  return { argument, followed: true };
}

function isCreateRequire(node: SyntaxNode | undefined): boolean {
  return node?.type === "CallExpression" && chainOf(child(node, "callee")).at(-1) === "createRequire";
}

/** The names of variables that hold what `createRequire` returned. */
function madeRequires(program: SyntaxNode): ReadonlySet<string> {
  const names = new Set<string>();
  walk(program, (node) => {
    const name = node.type === "VariableDeclarator" ? nameOf(child(node, "id")) : undefined;
    if (name !== undefined && isCreateRequire(child(node, "init"))) names.add(name);
  });
  return names;
}
