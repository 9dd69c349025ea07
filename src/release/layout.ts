/**
 * Every path of a release. The names are a contract: people, scripts and units rely on them.
 */
import { join } from "node:path";
import type { Compression } from "./bundle-head.ts";
import type { Manifest } from "./manifest.ts";
import * as NAMES from "./start/names.ts";
import { targetSuffix, type Target } from "./targets.ts";

export { NAMES };

export interface ReleaseLayout {
  readonly root: string;
  /** The start script that people and systemd run: a POSIX shell script. */
  readonly stub: string;
  /** The management commands: a POSIX shell script. */
  readonly gantry: string;
  readonly lib: string;
  /** The program that runs launcher and app: the compiled app itself, or a Node. */
  readonly executable: string;
  readonly launcher: string;
  /** For Node releases: the compiled JavaScript, and the file that Node loads before it. */
  readonly app: string;
  readonly preload: string;
  readonly manifest: string;
  readonly packageJson: string;
  readonly lockfile: string;
  readonly modules: string;
  /** The directory of the stamps. It is inside the tree, so that it is removed with the tree. */
  readonly stamps: string;
  readonly lock: string;
  readonly vendor: string;
  readonly env: string;
  readonly envExample: string;
  readonly setup: string;
  /** Unit, user and drop-ins, which are copied onto the host. */
  readonly systemd: string;
  readonly readme: string;
  readonly sums: string;
}

/**
 * The program that a release brings, relative to its root: `lib/BINARY` for Bun, which is the app, and `lib/node` for
 * Node. Undefined for releases that run on the host's own Node.
 */
export function programPath({ binary, runtime }: Program): string | undefined {
  if (runtime.kind === "bun") return `${NAMES.lib}/${binary}`;
  return runtime.system ? undefined : NAMES.node;
}

export type Program = Pick<Manifest, "binary" | "runtime">;

/** @param running the program of this process, for releases that bring no runtime */
export function releaseLayout(root: string, program: Program, running = "node"): ReleaseLayout {
  const own = programPath(program);
  return Object.freeze({
    root,
    stub: join(root, program.binary),
    gantry: join(root, NAMES.gantry),
    lib: join(root, NAMES.lib),
    executable: own === undefined ? running : join(root, own),
    launcher: join(root, NAMES.launcher),
    app: join(root, NAMES.app),
    preload: join(root, NAMES.preload),
    manifest: join(root, NAMES.manifest),
    packageJson: join(root, NAMES.packageJson),
    lockfile: join(root, NAMES.lockfile),
    modules: join(root, NAMES.modules),
    stamps: join(root, NAMES.modules, NAMES.stamps),
    lock: join(root, NAMES.lock),
    vendor: join(root, NAMES.vendor),
    env: join(root, NAMES.env),
    envExample: join(root, NAMES.envExample),
    setup: join(root, NAMES.setup),
    systemd: join(root, NAMES.systemd),
    readme: join(root, NAMES.readme),
    sums: join(root, NAMES.sums),
  });
}

/** `test-brain-v0.1.0`; a scoped package's `@scope/` becomes `scope-`. */
export function releaseBase(name: string, version: string): string {
  return `${name.replace(/^@/, "").replaceAll("/", "-")}-v${version}`;
}

/** `test-brain-v0.1.0-linux-x64`: the release's directory, and its archive without `.tar.gz`. */
export function releaseName(name: string, version: string, target: Target): string {
  return `${releaseBase(name, version)}-${targetSuffix(target)}`;
}

/** `vendor/linux-x64-gnu.tar.zst`: a target's bundle inside a release, relative to its root. */
export function vendoredBundle(target: Target, compression: Compression): string {
  return `${NAMES.vendor}/${target.name}.tar.${compression}`;
}

/** Whether this path, relative to a release, is one of its bundles. */
export function isVendoredBundle(path: string): boolean {
  return /^vendor\/[^/]+\.tar\.(?:zst|gz)$/.test(path);
}

/** The path of a file's detached signature: beside it, with minisign(1)'s extension. */
export function signatureOf(path: string): string {
  return `${path}.minisig`;
}

/** Whether this path, relative to a release, is a signature, which SHA256SUMS does not list. */
export function isSignature(path: string): boolean {
  return (
    path === NAMES.signature ||
    (path.endsWith(".minisig") && isVendoredBundle(path.slice(0, -".minisig".length)))
  );
}

/** `test-brain-v0.1.0-linux-x64.bundle.tar.zst`: a bundle outside of its release. */
export function bundleName(name: string, version: string, target: Target, compression: Compression): string {
  return `${releaseName(name, version, target)}.bundle.tar.${compression}`;
}
