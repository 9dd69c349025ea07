/**
 * Facts that are computed on first use. The launcher's check needs a few of them within milliseconds. A report needs
 * all of them, which JSON.stringify reads like plain values.
 */

/** An object whose properties are computed once, on first use. */
export function lazily<T extends object>(parts: { readonly [K in keyof T]: () => T[K] }): T {
  const result: Partial<T> = {};
  for (const key of Object.keys(parts) as (keyof T)[]) {
    let seen: { readonly value: T[keyof T] } | undefined;
    Object.defineProperty(result, key, {
      enumerable: true,
      get: () => (seen ??= { value: parts[key]() }).value,
    });
  }
  return Object.freeze(result) as T;
}
