/** The setting `binary`. */
import * as v from "valibot";
import { NAMES } from "../../../release/index.ts";

/** Names of files that every release has, at its root or in lib/. A binary of such a name would overwrite that file. */
const TAKEN: ReadonlySet<string> = new Set([
  ...Object.values(NAMES),
  "launcher.mjs",
  "release.json",
  "assets",
]);
const BINARY = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export const Binary = v.pipe(
  v.string(),
  v.regex(BINARY, "must be a plain file name: letters, digits, dots, dashes and underscores"),
  v.check((name) => !TAKEN.has(name), "is the name of another file of every release"),
);
