/** Settings that name packages: `externals` and `optional`. */
import * as v from "valibot";

const PACKAGE = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i;

const PackageName = v.pipe(
  v.string(),
  v.regex(PACKAGE, "is not a package name (a name alone, without a version or a subpath)"),
);

export const Externals = v.array(PackageName);
export const Optional = v.array(PackageName);
