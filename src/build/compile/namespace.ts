/**
 * Makes the namespace object that `import` would give for a module that was loaded with `require`, so that nothing has
 * to be awaited. Before this is used for an external, the build proves that both agree (inspect-external.ts).
 */

/**
 * Whether the property `__esModule` counts. It marks CommonJS that was compiled from an ES module. `ignored`: Bun does
 * not look at it in packages whose package.json says `"type": "module"`.
 */
export type EsModuleMark = "heeded" | "ignored";

/**
 * The namespace by Bun's rule for CommonJS, measured on 1.3.7 and 1.4.5. The default export is `module.exports`; when
 * the module has the mark and the mark counts, it is the module's own `default`, if it has one. Every own property is a
 * named export, even a function's `name` and `length`, except an accessor that is not enumerable. With a mark that
 * counts, only enumerable properties are exported, and `__esModule` is not. A property with an empty name is never
 * exported. Accessors are read once, and one that throws gives undefined. `require` of an ES module gives its own
 * namespace, with live bindings, which is returned as it is.
 */
export function namespaceOf(exported: unknown, mark: EsModuleMark): Readonly<Record<string, unknown>> {
  if (isNamespace(exported)) return exported;
  const namespace = Object.create(null) as Record<string, unknown>;
  namespace["default"] = exported;
  if (!isObject(exported)) return namespace;
  const marked = mark === "heeded" && Boolean(exported["__esModule"]);
  for (const key of Object.getOwnPropertyNames(exported)) {
    if (key !== "" && isExported(exported, key, marked)) namespace[key] = readProperty(exported, key);
  }
  if (!marked) namespace["default"] = exported;
  return namespace;
}

function isExported(object: object, key: string, marked: boolean): boolean {
  if (marked && key === "__esModule") return false;
  const descriptor = Object.getOwnPropertyDescriptor(object, key);
  return descriptor?.enumerable === true || (!marked && descriptor?.get === undefined);
}

function readProperty(object: Readonly<Record<string, unknown>>, key: string): unknown {
  try {
    return object[key];
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function isNamespace(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Module]";
}
