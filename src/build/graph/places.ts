/**
 * Changes the expressions of a source file by which it knows its own place, or loads a module by a name that is computed.
 * In a compiled app, Bun answers `import.meta.dir` with `/$bunfs/root`, `__dirname` with the builder's directory, and
 * looks for a computed name in the current directory and its parents (measured on 1.3.7 and 1.4.5). Here each such
 * expression becomes a property of a module that gantry adds: the file's place in the release. Lines keep their numbers.
 */
import {
  boundNames,
  chainOf,
  child,
  children,
  parseSource,
  textOf,
  walk,
  type SyntaxNode,
} from "./syntax.ts";

/** The name by which a changed file imports its place. */
const HERE = "gantryHere";
/** The beginning of the specifier of a file's place. The file's path follows. */
export const HERE_PREFIX = "gantry:here:";

/** A replacement of a part of a source's text. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface PlacesContext {
  /** The file's absolute path. */
  readonly path: string;
  /** Changes that are known already, such as the paths of workers. What lies inside them stays as it is. */
  readonly known: readonly Edit[];
  /** Says whether an `import()` names a package that the build does not have. */
  readonly isMissing: (specifier: string) => boolean;
}

/** Properties of `import.meta`, and of the place of a file. */
const META: Readonly<Record<string, string>> = {
  dir: "dir",
  dirname: "dir",
  file: "file",
  filename: "path",
  path: "path",
  url: "url",
};
const FREE: Readonly<Record<string, string>> = { __dirname: "dir", __filename: "path" };
const LOADS: Readonly<Record<string, string>> = {
  require: "require",
  "import.meta.require": "require",
  "require.resolve": "requireResolve",
  "import.meta.resolve": "resolve",
};

/** A quick test: whether a text may contain such an expression. Most files of a graph do not. */
function mayKnowPlace(text: string): boolean {
  return SUSPECT.test(text);
}

const SUSPECT =
  /\bimport\s*\.\s*meta\b|\b__(?:dir|file)name\b|\bBun\s*\.\s*main\b|\b(?:require|import)\s*\(\s*(?!\s*(["'])[^"'\n]*\1\s*\))|\bimport\s*\(\s*["'`][^."'`]|\brequire\s*\.\s*(?:main|resolve)\b/;

/** The changes of a file. Empty when it has no such expression, or is not valid. */
function findEdits(program: SyntaxNode, context: PlacesContext): readonly Edit[] {
  const bound = boundNames(program);
  const edits: Edit[] = [...context.known];
  const change = (node: SyntaxNode, property: string): void => {
    edits.push({ start: node.start, end: node.end, text: `${HERE}.${property}` });
  };
  walk(program, (node, parents) => {
    if (isDeclared(node, parents)) return;
    if (node.type === "ImportExpression") {
      const name = textOf(child(node, "source"));
      if (name === undefined || isMissingPackage(name, context))
        edits.push({ ...headOf(node), text: `${HERE}.import` });
      return;
    }
    if (node.type === "CallExpression") {
      const callee = child(node, "callee");
      const property = loadOf(callee, bound);
      const [argument] = children(node, "arguments");
      const loads = property === "require" && !isComputed(argument);
      if (callee !== undefined && property !== undefined && argument !== undefined && !loads)
        change(callee, property);
      return;
    }
    const property = placeOf(node, bound);
    if (property === undefined || isTarget(node, parents)) return;
    const [parent] = parents;
    if (parent?.type === "Property" && parent["shorthand"] === true) {
      edits.push({ start: parent.start, end: parent.end, text: `${nameIn(node)}: ${HERE}.${property}` });
    } else change(node, property);
  });
  return withoutDoubles([...edits, ...findMain(program, edits)]);
}

function nameIn(node: SyntaxNode): string {
  return String(node["name"]);
}

/** `import` of `import(…)`, without its parenthesis. */
function headOf(node: SyntaxNode): Pick<Edit, "start" | "end"> {
  return { start: node.start, end: node.start + "import".length };
}

/** Bun leaves such an `import()` in the code, and looks for the package in the current directory when the app runs. */
function isMissingPackage(name: string, { isMissing }: PlacesContext): boolean {
  return !/^(?:[./#]|[a-z][a-z0-9+.-]*:)/i.test(name) && isMissing(name);
}

function isComputed(argument: SyntaxNode | undefined): boolean {
  return argument !== undefined && textOf(argument) === undefined;
}

/** Says whether a node is a name or a type where no value is read. */
function isDeclared(node: SyntaxNode, [parent]: readonly SyntaxNode[]): boolean {
  if (node.type !== "Identifier" || parent === undefined) return false;
  if (parent.type === "MemberExpression") return parent["property"] === node && parent["computed"] !== true;
  if (parent.type === "Property")
    return parent["key"] === node && parent["shorthand"] !== true && parent["computed"] !== true;
  return /^(?:MethodDefinition|PropertyDefinition|TS\w+|Label\w+|ExportSpecifier|ImportSpecifier)$/.test(
    parent.type,
  )
    ? parent["expression"] !== node
    : false;
}

/** An assignment to it, or `typeof`, which both must see the name itself. */
function isTarget(node: SyntaxNode, [parent]: readonly SyntaxNode[]): boolean {
  if (parent?.type === "AssignmentExpression") return parent["left"] === node;
  return parent?.type === "UpdateExpression";
}

function loadOf(callee: SyntaxNode | undefined, bound: ReadonlySet<string>): string | undefined {
  const chain = chainOf(callee);
  if (chain[0] === "require" && bound.has("require")) return undefined;
  return LOADS[chain.join(".")];
}

function placeOf(node: SyntaxNode, bound: ReadonlySet<string>): string | undefined {
  if (node.type === "Identifier") {
    const name = String(node["name"]);
    return bound.has(name) || !Object.hasOwn(FREE, name) ? undefined : FREE[name];
  }
  if (node.type !== "MemberExpression") return undefined;
  const [first = "", second = "", third, fourth] = chainOf(node);
  if (first === "import.meta" && third === undefined && Object.hasOwn(META, second)) return META[second];
  if (first === "Bun" && second === "main" && third === undefined && !bound.has("Bun")) return "main";
  const required = first === "require" && second === "main" && third === "filename" && fourth === undefined;
  return required && !bound.has("require") ? "main" : undefined;
}

/**
 * `process.argv[1]`, in a file that also reads its own place: such a file asks whether it is the one that was started.
 * Elsewhere it stays as it is, because programs print its last part as their name.
 */
function findMain(program: SyntaxNode, edits: readonly Edit[]): Edit[] {
  if (!edits.some(({ text }) => /\.(?:path|url)$/.test(text))) return [];
  const found: Edit[] = [];
  walk(program, (node) => {
    if (node.type === "MemberExpression" && /^process\.argv\.1$/.test(chainOf(node).join(".")))
      found.push({ start: node.start, end: node.end, text: `${HERE}.main` });
  });
  return found;
}

function withoutDoubles(edits: readonly Edit[]): Edit[] {
  const sorted = edits.toSorted((a, b) => a.start - b.start || b.end - a.end);
  return sorted.filter((edit, index) => sorted.slice(0, index).every(({ end }) => end <= edit.start));
}

/**
 * The text of a file with its changes, and with the import of its place before its first statement. Undefined when
 * nothing changes.
 * @param context `here` is the file's path in its specifier; the module's format decides between `import` and `require`
 */
export function rewriteSource(
  text: string,
  context: PlacesContext & { readonly here: string; readonly formatOf: () => "esm" | "cjs" },
): string | undefined {
  if (!mayKnowPlace(text) && context.known.length === 0) return undefined;
  const program = parseSource(context.path, text);
  if (program === undefined) return undefined;
  const edits = findEdits(program, context);
  if (edits.length === 0) return undefined;
  const specifier = JSON.stringify(HERE_PREFIX + context.here);
  const statement =
    context.formatOf() === "esm"
      ? `import * as ${HERE} from ${specifier};`
      : `var ${HERE} = require(${specifier});`;
  const start =
    children(program, "body").find((node) => node["directive"] === undefined)?.start ?? text.length;
  let result = text;
  for (const edit of [...edits, { start, end: start, text: statement }].toSorted(
    (a, b) => b.start - a.start || b.end - a.end,
  ))
    result = result.slice(0, edit.start) + edit.text + result.slice(edit.end);
  return result;
}
