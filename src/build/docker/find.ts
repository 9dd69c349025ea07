/**
 * Finds the release for an image: the named directory, or the one that was built from the named app. Writes nothing.
 * Several releases of the app are an error, and none is chosen.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { GantryError } from "../../base/errors.ts";
import {
  bundleCompression,
  type Manifest,
  manifestTarget,
  NAMES,
  parseManifest,
  vendoredBundle,
} from "../../release/index.ts";

export interface FoundRelease {
  /** The release's directory, absolute. */
  readonly root: string;
  readonly manifest: Manifest;
  /** True when the release carries the bundle of its own target. */
  readonly vendored: boolean;
}

/** The default output directory of `gantry build`. */
const RELEASES = "releases";

/**
 * Finds the release.
 * @param path a release's directory, or that of an app with built releases in releases/
 * @throws GantryError USAGE when there is no release, or more than one; MANIFEST_INVALID
 */
export function findRelease(path: string): FoundRelease {
  const named = resolve(path);
  // Links are resolved, because a tool that builds images would copy a link and not the release behind it.
  const root = existsSync(named) ? realpathSync(named) : named;
  if (existsSync(join(root, NAMES.manifest))) return readRelease(root);
  const releases = join(root, RELEASES);
  const app = readNameAndVersion(root);
  if (app === undefined) {
    throw new GantryError({
      code: "USAGE",
      what: `there is no release and no app in "${path}"`,
      fix: "name a release's directory, or an app's that gantry build was run for; an archive has to be unpacked",
    });
  }
  const found = (existsSync(releases) ? readdirSync(releases) : [])
    .map((name) => join(releases, name))
    .filter((directory) => existsSync(join(directory, NAMES.manifest)))
    .map((directory) => readRelease(directory))
    .filter(({ manifest }) => manifest.name === app.name && manifest.version === app.version)
    .filter(({ manifest }) => manifest.target.startsWith("linux-"));
  const [only, another] = found;
  if (only !== undefined && another === undefined) return only;
  if (only === undefined) {
    throw new GantryError({
      code: "USAGE",
      what: `there is no release of ${app.name} ${app.version} for Linux in ${releases}`,
      fix: "run gantry build first, or name the release's directory",
    });
  }
  throw new GantryError({
    code: "USAGE",
    what: `there are ${found.length} releases of ${app.name} ${app.version}`,
    detail: found.map((release) => release.root),
    fix: "name the directory of one of them",
  });
}

function readRelease(root: string): FoundRelease {
  const where = join(root, NAMES.manifest);
  const manifest = parseManifest(readFileSync(where, "utf8"), where);
  const bundle = vendoredBundle(manifestTarget(manifest), bundleCompression(manifest));
  return Object.freeze({ root, manifest, vendored: existsSync(join(root, bundle)) });
}

function readNameAndVersion(root: string): { readonly name: unknown; readonly version: unknown } | undefined {
  const path = join(root, NAMES.packageJson);
  if (!existsSync(path)) return undefined;
  try {
    const { name, version } = JSON.parse(readFileSync(path, "utf8")) as { name?: unknown; version?: unknown };
    return { name, version };
  } catch {
    throw new GantryError({ code: "CONFIG_INVALID", what: "package.json is not JSON", where: path });
  }
}
