/**
 * docs/api.md: every export of src/index.ts with its docstring, by TypeScript's own checker. typedoc needs the JavaScript
 * compiler, which ended with TypeScript 6.
 */
import { join } from "node:path";
import {
  API,
  SymbolFlags,
  TypeFlags,
  type Checker,
  type Project,
  type Symbol as Named,
  type Type,
} from "typescript/unstable/sync";
import type { FunctionDeclaration, Node } from "typescript/unstable/ast";
import { code, table } from "./cells.ts";

interface Export {
  readonly name: string;
  readonly symbol: Named;
}

interface Scope {
  readonly project: Project;
  readonly checker: Checker;
}

const HEAD = `# The same from a program

[first-release.md](first-release.md) has an example. This page is made from the docstrings of \`src/index.ts\` by \`npm run generate\`.`;

/** The whole page. */
export function formatApi(root: string): string {
  const api = new API({ cwd: root });
  try {
    const config = join(root, "tsconfig.build.json");
    const project = api.updateSnapshot({ openProject: config }).getProject(config);
    if (project === undefined) throw new Error(`${config} is no project`);
    const scope = { project, checker: project.checker };
    const exports = readExports(scope, join(root, "src/index.ts"));
    const is = (flags: number) => exports.filter(({ symbol }) => (symbol.flags & flags) !== 0);
    return [
      HEAD,
      "## Functions",
      ...is(SymbolFlags.Function).map((one) => formatFunction(scope, one)),
      "## Values",
      ...is(SymbolFlags.Variable | SymbolFlags.Class).map((one) => formatValue(scope, one)),
      "## Types",
      ...is(SymbolFlags.Interface | SymbolFlags.TypeAlias).map((one) => formatType(scope, one)),
      "",
    ]
      .join("\n\n")
      .replace(/\n+$/, "\n");
  } finally {
    api.close();
  }
}

function readExports({ project, checker }: Scope, path: string): Export[] {
  const file = project.program.getSourceFile(path);
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${path} exports nothing`);
  return checker
    .getExportsOfModule(module)
    .map((symbol) => ({
      name: symbol.name,
      symbol: (symbol.flags & SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws Error for an export without one */
function documentation({ checker }: Scope, { name, symbol }: Export): string {
  const text = checker.getDocumentationCommentOfSymbol(symbol).replaceAll("\n", " ").trim();
  if (text === "") throw new Error(`${name}, which src/index.ts exports, has no docstring`);
  const tags = checker.getJsDocTagsOfSymbol(symbol).map(({ name: tag, text: said = "" }) => {
    const line = said.replaceAll("\n", " ").trim();
    return tag === "param" ? `- ${line.replace(/^(\w+)/, "`$1`:")}` : `- ${tag} ${line}`;
  });
  return tags.length === 0 ? text : `${text}\n\n${tags.join("\n")}`;
}

const fence = (text: string): string => `\`\`\`ts\n${text}\n\`\`\``;

function formatFunction(scope: Scope, one: Export): string {
  const node = one.symbol.declarations[0]?.resolve(scope.project) as FunctionDeclaration;
  const whole = node.getText();
  const signature = node.body === undefined ? whole : whole.slice(0, -node.body.getText().length);
  const text = signature.replace(/^export (?:async )?/, "").trim();
  return `### ${one.name}\n\n${fence(text)}\n\n${documentation(scope, one)}`;
}

function formatValue(scope: Scope, one: Export): string {
  const said = `### ${one.name}\n\n${documentation(scope, one)}`;
  if ((one.symbol.flags & SymbolFlags.Class) === 0) return said;
  const members = scope.checker.getPropertiesOfType(scope.checker.getDeclaredTypeOfSymbol(one.symbol));
  const own = members.filter((member) => isOwn(member) && !member.name.startsWith("__@"));
  return `${said}\n\n${propertyTable(scope, own)}`;
}

function formatType(scope: Scope, one: Export): string {
  const { checker } = scope;
  const type = checker.getDeclaredTypeOfSymbol(one.symbol);
  const said = `### ${one.name}\n\n${documentation(scope, one)}`;
  if ((type.flags & (TypeFlags.Object | TypeFlags.Intersection)) === 0) {
    return `${said}\n\n${fence(checker.typeToString(type, undefined, EXPANDED))}`;
  }
  const properties = checker.getPropertiesOfType(type);
  // Of a type of another package or of the language the name says more than the members.
  if (!properties.every(isOwn)) return `${said}\n\n${fence(declaredText(scope, one.symbol) ?? "")}`;
  return `${said}\n\n${propertyTable(scope, properties)}`;
}

const isOwn = ({ declarations }: Named): boolean =>
  declarations.every(({ path }) => !path.includes("/node_modules/") && !path.startsWith("bundled:"));

/** The type as the source writes it, in one line; undefined where the compiler inferred it. */
function declaredText({ project }: Scope, symbol: Named): string | undefined {
  const node = symbol.declarations[0]?.resolve(project) as (Node & { readonly type?: Node }) | undefined;
  return node?.type?.getText().replaceAll(/\s+/g, " ");
}

function propertyTable(scope: Scope, properties: readonly Named[]): string {
  const rows = properties.map((property) => propertyRow(scope, property));
  return table(["property", "type", "means"], rows);
}

/** TypeFormatFlags.NoTruncation and InTypeAlias: the members of a union, not its name. */
const EXPANDED = 1 | (1 << 23);
/** TypeFormatFlags.NoTruncation. */
const WHOLE = 1;
const LONGEST_TYPE = 100;

function propertyRow(scope: Scope, property: Named): string[] {
  const { checker } = scope;
  const optional = (property.flags & SymbolFlags.Optional) !== 0;
  const type: Type | undefined = checker.getTypeOfSymbol(property);
  const text =
    declaredText(scope, property) ?? (type === undefined ? "" : checker.typeToString(type, undefined, WHOLE));
  const known = optional ? text.replace(/ \| undefined$/, "") : text;
  const shown = known.length > LONGEST_TYPE ? `${known.slice(0, LONGEST_TYPE)}…` : known;
  const means = checker.getDocumentationCommentOfSymbol(property).replaceAll("\n", " ").trim();
  return [code(optional ? `${property.name}?` : property.name), code(shown), means];
}
