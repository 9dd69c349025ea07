/** What the files of the settings share: kinds of value, and the type of their descriptions. */
import * as v from "valibot";

export const Text = v.pipe(v.string(), v.nonEmpty("must not be empty"));

/**
 * A path relative to the app's directory and inside it, because a file elsewhere does not exist on other build
 * machines.
 */
export const AppPath = v.pipe(
  Text,
  v.check((path) => !path.startsWith("/") && !path.split(/[\\/]/).includes(".."), "must lie inside the app"),
);

/**
 * Describes keys for people. docs/settings.md is generated from these texts and from the schemas. A key without a text
 * is an error of types.
 */
export type Meanings<Key extends string> = Readonly<Record<Key, string>>;
