/** Checks at compile time that a schema equals the TypeScript type of what a command prints. */
import type * as v from "valibot";

/**
 * The type of a value after JSON.stringify and JSON.parse: keys that may be undefined may be missing, and nothing is
 * read-only.
 */
export type Json<T> = T extends readonly (infer E)[]
  ? Json<E>[]
  : T extends object
    ? Flat<
        { -readonly [K in keyof T as undefined extends T[K] ? never : K]: Json<T[K]> } & {
          -readonly [K in keyof T as undefined extends T[K] ? K : never]?: Json<Exclude<T[K], undefined>>;
        }
      >
    : T;

type Flat<T> = { [K in keyof T]: T[K] };
type Same<A, B> =
  (<T>() => T extends A ? "same" : "other") extends <T>() => T extends B ? "same" : "other" ? true : false;

/** Returns the schema. It compiles only when the schema equals `T`, optional keys included. */
export function agree<T>() {
  return <S extends v.GenericSchema>(
    schema: S & (Same<Json<v.InferOutput<S>>, Json<T>> extends true ? unknown : never),
  ): S => schema;
}
