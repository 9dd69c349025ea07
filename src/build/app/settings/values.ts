/** Kinds of value that several settings share. */
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
