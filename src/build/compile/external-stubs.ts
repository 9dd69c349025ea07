/**
 * The source of the modules that stand in the bundle where an external was imported. Each asks the prelude at run
 * time, so the external comes from the release and from nowhere else. Text only: no file is read here.
 */

import type { EsModuleMark } from "./namespace.ts";

/** How an external reaches the importing module; each kind has a stub of its own. */
export type StubKind = "import" | "dynamic" | "require";

/**
 * What the build knows of a statically imported external. `sync`: `require` gives what `import` gives. `async`: it
 * does not (top-level await, mostly), so that importers have to await it, and every name has to be known.
 */
export type ExternalShape =
  | { readonly load: "sync"; readonly hasDefault: boolean; readonly mark: EsModuleMark }
  | { readonly load: "async"; readonly names: readonly string[] };

/** Specifier of the prelude; nothing else in a bundle begins with `gantry:`. */
export const PRELUDE = "gantry:prelude";
/** Begins the specifier of the CommonJS half of a `sync` stub. */
export const NAMESPACE_PREFIX = "gantry:namespace:";

/** The stub for `import` and `export … from`. */
export function formatImportStub(id: string, shape: ExternalShape): string {
  return shape.load === "sync" ? formatSyncStub(id, shape) : formatAsyncStub(id, shape.names);
}

/**
 * `export *` of a CommonJS module makes the bundler look names up at run time: the names are those of the module
 * that was shipped, an exported `let` stays live, and nobody waits, so the app's modules keep their order and a
 * `require` of one of them stays possible.
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
  // Names go through string literals: an export may be called `class`, `default` or `a-b`.
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
 * The stub for `import()`. A promise that is resolved with an object that has a `then` follows that `then`
 * (ECMA-262, Promise Resolve Functions), so the app gets the external's own namespace object, and a failed
 * load rejects each time it is tried.
 */
export function formatDynamicStub(id: string): string {
  return [
    `const { importExternal } = require(${JSON.stringify(PRELUDE)});`,
    `exports.then = (resolve, reject) => void importExternal(${JSON.stringify(id)}).then(resolve, reject);`,
  ].join("\n");
}

/**
 * The stub for `require()`: a getter, because the bundler keeps the first `module.exports` even of a module that
 * threw, and a second `require` has to throw again.
 */
export function formatRequireStub(id: string): string {
  return [
    `const { requireExternal } = require(${JSON.stringify(PRELUDE)});`,
    `Object.defineProperty(module, "exports", { get: () => requireExternal(${JSON.stringify(id)}) });`,
  ].join("\n");
}

/** The package that a specifier belongs to: `@libsql/client/web` → `@libsql/client`. */
export function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Matches the specifiers of these packages and of their subpaths, and nothing when there are none. */
export function externalFilter(names: readonly string[]): RegExp {
  const escaped = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^(?:${escaped.join("|") || "(?!)"})(?:/.*)?$`);
}

/**
 * Puts the prelude in front of the app's first statement without moving a line: a `#!` line keeps its place, and
 * everything else stays on the line it was on.
 * @param format an `import` would turn a CommonJS module into another kind
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

/** A line of such a module, as it stands in the app. */
export function withoutPrelude(line: string): string {
  const statement = Object.values(STATEMENTS).find((known) => line.startsWith(known)) ?? "";
  return line.slice(statement.length);
}
