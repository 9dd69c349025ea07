/** Settings that name packages: `externals` and `optional`. */
import * as v from "valibot";

const PACKAGE = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i;

const PackageName = v.pipe(
  v.string(),
  v.regex(PACKAGE, "is not a package name (a name alone, without a version or a subpath)"),
);

/** A name, or a change of what is detected. */
const External = v.pipe(
  v.string(),
  v.check(
    (text) => PACKAGE.test(text.replace(/^[+-]/, "")),
    "is not a package name (a name alone, without a version or a subpath; + before it adds, - excludes)",
  ),
);

export const Externals = v.pipe(
  v.array(External),
  v.check(
    (names) => new Set(names.map((name) => /^[+-]/.test(name))).size < 2,
    "mixes names with and without + or -: names alone replace what is detected, +NAME and -NAME change it",
  ),
);
export const Optional = v.array(PackageName);

export interface ExternalChoice {
  /** The packages that stay outside, instead of the detected ones. */
  readonly only: readonly string[] | undefined;
  readonly added: readonly string[];
  readonly excluded: readonly string[];
}

/** What the setting `externals` asks for. */
export function readExternals(setting: readonly string[] | undefined): ExternalChoice {
  const signed = (sign: string) =>
    (setting ?? []).filter((name) => name.startsWith(sign)).map((name) => name.slice(1));
  const [added, excluded] = [signed("+"), signed("-")];
  return { only: added.length + excluded.length > 0 ? undefined : setting, added, excluded };
}
