/**
 * Finds a release's bundle: the one that is named (--from or GANTRY_BUNDLE: a file, a directory, or an address), the one
 * in vendor/, or the one beside the release. It looks at names only; sources/bundle-check.ts checks the contents.
 */
import { statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Finding } from "../../base/errors.ts";
import { bundleCompression, bundleName, NAMES, vendoredBundle } from "../../release/index.ts";
import type { Release } from "../release/unpacked.ts";

/** The bundle that a person named. */
export interface NamedBundle {
  readonly value: string;
  readonly by: "--from" | "GANTRY_BUNDLE";
  /** The directory that a relative path starts from. */
  readonly directory: string;
}

export type FoundBundle =
  | { readonly kind: "file"; readonly path: string }
  /** https:, http: or oci: */
  | { readonly kind: "address"; readonly address: string };

/** Matches the start of an address with a scheme, such as `oci://…`, and no path with a colon in it. */
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Finds the bundle that --from or GANTRY_BUNDLE names, or a finding when it is not there. */
export function findNamedBundle(release: Release, named: NamedBundle): FoundBundle | Finding {
  if (named.value.startsWith("file://")) {
    return findNamedBundle(release, { ...named, value: decodeURIComponent(new URL(named.value).pathname) });
  }
  if (SCHEME.test(named.value)) return { kind: "address", address: named.value };
  const path = resolve(named.directory, named.value);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return missing(`${named.by} names ${path}, which is not there`, path, named);
  if (!found.isDirectory()) return { kind: "file", path };
  const names = bundleNames(release);
  const inside = [...names, ...names.map((name) => join(NAMES.vendor, name))];
  const inner = firstFile(inside.map((name) => join(path, name)));
  if (inner !== undefined) return { kind: "file", path: inner };
  const what = `${named.by} names a directory that holds no bundle of this release`;
  return { ...missing(what, path, named), detail: [`looked for ${names.join(" and ")}`] };
}

/** Finds a bundle in vendor/, in the release's directory, or beside the release. */
export function findNearBundle(release: Release): FoundBundle | undefined {
  const { root } = release.layout;
  const [travelling, vendored] = bundleNames(release);
  const path = firstFile([
    join(root, NAMES.vendor, vendored),
    join(root, travelling),
    join(dirname(root), travelling),
  ]);
  return path === undefined ? undefined : { kind: "file", path };
}

/** The file names of this release's bundle: outside of the release, and in vendor/. */
function bundleNames({ manifest, target }: Release): readonly [travelling: string, vendored: string] {
  const compression = bundleCompression(manifest);
  return [
    bundleName(manifest.name, manifest.version, target, compression),
    basename(vendoredBundle(target, compression)),
  ];
}

function firstFile(paths: readonly string[]): string | undefined {
  return paths.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

function missing(what: string, where: string, { by }: NamedBundle): Finding {
  const fix =
    by === "--from"
      ? "name the bundle's file, its directory or its address"
      : "mount it, or unset GANTRY_BUNDLE to use what the release has";
  return { code: "BUNDLE_MISSING", what, where, fix };
}
