/**
 * The syntax tree of a source file: oxc-parser's, which is ESTree with TypeScript and JSX. Pure. Positions count UTF-16
 * units, as JavaScript's own strings do (measured with oxc-parser 0.154.0).
 */
import { parseSync } from "oxc-parser";

/** A node of the tree. Its other fields depend on its type (ESTree). */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** Parses a source file. Undefined when it is not valid; Bun's own message is better then. */
export function parseSource(path: string, text: string): SyntaxNode | undefined {
  // Bun accepts JSX in every JavaScript file.
  const lang = path.endsWith(".tsx") ? "tsx" : /\.[cm]?ts$/.test(path) ? "ts" : "jsx";
  for (const sourceType of ["unambiguous", "commonjs"] as const) {
    const { program, errors } = parseSync(path, text, { lang, sourceType });
    if (errors.length === 0) return program as unknown as SyntaxNode;
  }
  return undefined;
}

/** Calls `visit` for each node, parents first. The parents are given with the nearest first. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, parents: readonly SyntaxNode[]) => void,
  parents: readonly SyntaxNode[] = [],
): void {
  visit(node, parents);
  for (const value of Object.values(node)) {
    for (const below of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isNode(below)) walk(below, visit, [node, ...parents]);
    }
  }
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

/** A field of a node that holds a node. */
export function child(node: SyntaxNode | undefined, field: string): SyntaxNode | undefined {
  const value = node?.[field];
  return isNode(value) ? value : undefined;
}

/** A field of a node that holds a list of nodes. Holes are left out. */
export function children(node: SyntaxNode | undefined, field: string): readonly SyntaxNode[] {
  const value = node?.[field];
  return Array.isArray(value) ? (value as unknown[]).filter((one) => isNode(one)) : [];
}

/** The name of an identifier. Undefined for another node. */
export function nameOf(node: SyntaxNode | undefined): string | undefined {
  return node?.type === "Identifier" && typeof node["name"] === "string" ? node["name"] : undefined;
}

/** The text of a string literal, or of a template without expressions. */
export function textOf(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === "Literal" && typeof node["value"] === "string") return node["value"];
  if (node?.type !== "TemplateLiteral" || children(node, "expressions").length > 0) return undefined;
  return cookedOf(children(node, "quasis")[0]);
}

/** The text of one fixed part of a template. */
export function cookedOf(quasi: SyntaxNode | undefined): string {
  const value = quasi?.["value"] as { readonly cooked?: string } | undefined;
  return value?.cooked ?? "";
}

/** The chain of names of a member expression, such as `["import.meta", "dir"]` or `["path", "posix", "join"]`. */
export function chainOf(node: SyntaxNode | undefined): readonly string[] {
  if (node === undefined) return [];
  if (node.type === "MetaProperty")
    return [`${nameOf(child(node, "meta"))}.${nameOf(child(node, "property"))}`];
  const name = nameOf(node);
  if (name !== undefined) return [name];
  if (node.type === "ParenthesizedExpression" || node.type.startsWith("TS"))
    return chainOf(child(node, "expression"));
  if (node.type === "ChainExpression") return chainOf(child(node, "expression"));
  if (node.type !== "MemberExpression") return [];
  const before = chainOf(child(node, "object"));
  const property = child(node, "property");
  const last = node["computed"] === true ? keyOf(property) : nameOf(property);
  return before.length === 0 || last === undefined ? [] : [...before, last];
}

function keyOf(node: SyntaxNode | undefined): string | undefined {
  return node?.type === "Literal" ? String(node["value"]) : undefined;
}

/** Names that the file binds itself: variables, parameters, functions, classes and imports. */
export function boundNames(program: SyntaxNode): ReadonlySet<string> {
  const names = new Set<string>();
  const bind = (pattern: SyntaxNode | undefined): void => {
    if (pattern === undefined) return;
    const name = nameOf(pattern);
    if (name !== undefined) names.add(name);
    for (const part of [...children(pattern, "properties"), ...children(pattern, "elements")]) bind(part);
    for (const field of ["value", "argument", "left", "parameter"]) {
      if (/Pattern|Property|RestElement|TSParameterProperty/.test(pattern.type)) bind(child(pattern, field));
    }
  };
  walk(program, (node) => {
    if (/^(?:VariableDeclarator|FunctionDeclaration|ClassDeclaration)$/.test(node.type))
      bind(child(node, "id"));
    if (/Import\w*Specifier$/.test(node.type)) bind(child(node, "local"));
    if (node.type === "CatchClause") bind(child(node, "param"));
    for (const parameter of children(node, "params")) bind(parameter);
  });
  return names;
}
