/**
 * Formats the source of the modules ("stubs") that replace externals in the bundle. Each stub calls the prelude at run
 * time, so the external comes from the release only. Pure: no file is read here.
 */

import type { EsModuleMark } from "./namespace.ts";

/** How an external is imported. Each kind has its own stub. */
export type StubKind = "import" | "dynamic" | "require";

/**
 * What the build knows of a statically imported external. `sync`: `require` gives the same as `import`. `async`:
 * `require` does not, in most cases because of top-level await; then the importing modules have to await the external,
 * and all its export names have to be known.
 */
export type ExternalShape =
  | { readonly load: "sync"; readonly hasDefault: boolean; readonly mark: EsModuleMark }
  | { readonly load: "async"; readonly names: readonly string[] };

/** Specifier of the prelude. `gantry:` begins only specifiers that gantry itself puts into a bundle. */
export const PRELUDE = "gantry:prelude";
/** The beginning of the specifier of the CommonJS half of a `sync` stub. */
export const NAMESPACE_PREFIX = "gantry:namespace:";

/** The stub for `import` and `export … from`. */
export function formatImportStub(id: string, shape: ExternalShape): string {
  return shape.load === "sync" ? formatSyncStub(id, shape) : formatAsyncStub(id, shape.names);
}

/**
 * The stub of an external that `require` can load. `export *` of a CommonJS module makes the bundler look names up at
 * run time. So the names are those of the shipped module, and an exported `let` keeps its current value. Nothing is
 * awaited, so the app's modules keep their order and can be loaded by `require`.
 */
function formatSyncStub(id: string, shape: { hasDefault: boolean; mark: EsModuleMark }): string {
  const lines = [`export * from ${JSON.stringify(`${NAMESPACE_PREFIX}${shape.mark}:${id}`)};`];
  if (shape.hasDefault) {
    const read = `readNamespace(${JSON.stringify(id)}, ${JSON.stringify(shape.mark)})`;
    lines.push(`import { readNamespace } from ${JSON.stringify(PRELUDE)};`);
    lines.push(`const value = ${read}.default;`, "export { value as default };");
  }
  return lines.join("\n");
}

function formatAsyncStub(id: string, names: readonly string[]): string {
  // Names are string literals, because an export may be called `class`, `default` or `a-b`.
  const values = names.map((name, index) => `const value${index} = namespace[${JSON.stringify(name)}];`);
  const exports = names.map((name, index) => `value${index} as ${JSON.stringify(name)}`);
  return [
    `import { importExternal } from ${JSON.stringify(PRELUDE)};`,
    `const namespace = await importExternal(${JSON.stringify(id)});`,
    ...values,
    `export { ${exports.join(", ")} };`,
  ].join("\n");
}

/**
 * The CommonJS half of a `sync` stub.
 * @param path the part of its specifier after {@link NAMESPACE_PREFIX}: `MARK:SPECIFIER`
 */
export function formatNamespaceStub(path: string): string {
  const [mark = "", ...id] = path.split(":");
  const read = `readNamespace(${JSON.stringify(id.join(":"))}, ${JSON.stringify(mark)})`;
  return `module.exports = require(${JSON.stringify(PRELUDE)}).${read};`;
}

/**
 * The stub for `import()`: an object whose `then` loads the external. A promise that is resolved with such an object
 * calls its `then` (ECMA-262, Promise Resolve Functions). So the app gets the external's own namespace object, and
 * after a failed load every further `import()` fails as well.
 */
export function formatDynamicStub(id: string): string {
  return [
    `const { importExternal } = require(${JSON.stringify(PRELUDE)});`,
    `exports.then = (resolve, reject) => void importExternal(${JSON.stringify(id)}).then(resolve, reject);`,
  ].join("\n");
}

/**
 * The stub for `require()`. Its `module.exports` is a getter. The bundler keeps the first value of `module.exports`
 * even when the module threw, and a second `require` has to throw again.
 */
export function formatRequireStub(id: string): string {
  return [
    `const { requireExternal } = require(${JSON.stringify(PRELUDE)});`,
    `Object.defineProperty(module, "exports", { get: () => requireExternal(${JSON.stringify(id)}) });`,
  ].join("\n");
}

/** All keys of `Here` in here.ts. */
const HERE_NAMES = ["dir", "path", "file", "main", "url", "import", "require", "resolve", "requireResolve"];

/** The module that gives a file its place: the properties that places.ts puts into the file. */
export function formatHere(path: string): string {
  return [
    `import { hereOf } from ${JSON.stringify(PRELUDE)};`,
    `const here = hereOf(${JSON.stringify(path)});`,
    ...HERE_NAMES.map((name, index) => `const value${index} = here.${name};`),
    `export { ${HERE_NAMES.map((name, index) => `value${index} as ${name}`).join(", ")} };`,
  ].join("\n");
}

/** The package that a specifier belongs to: `@libsql/client/web` → `@libsql/client`. */
export function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Matches the specifiers of these packages and of their subpaths. Matches nothing for an empty list. */
export function externalFilter(names: readonly string[]): RegExp {
  const escaped = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^(?:${escaped.join("|") || "(?!)"})(?:/.*)?$`);
}

/**
 * Puts a statement that loads the prelude before the app's first statement. Every line keeps its number: a `#!` line
 * stays first, and the new statement is put on the line of the app's first one.
 * @param format the module's format, which decides between `import` and `require`: an `import` would turn a CommonJS
 *   module into an ES module
 */
export function prependPrelude(source: string, format: "esm" | "cjs"): string {
  const statement = STATEMENTS[format];
  const text = source.startsWith("\u{feff}") ? source.slice(1) : source;
  const start = text.startsWith("#!") ? text.indexOf("\n") + 1 || text.length : 0;
  const head = text.slice(0, start);
  const gap = head !== "" && !head.endsWith("\n") ? "\n" : "";
  return `${head}${gap}${statement}${text.slice(start)}`;
}

const STATEMENTS = {
  esm: `import ${JSON.stringify(PRELUDE)};`,
  cjs: `require(${JSON.stringify(PRELUDE)});`,
} as const;

/** Removes that statement from the beginning of a line, so that messages show the app's own text. */
export function withoutPrelude(line: string): string {
  const statement = Object.values(STATEMENTS).find((known) => line.startsWith(known)) ?? "";
  return line.slice(statement.length);
}
