/** Copies of the built release for tests, and the bare environment of a host that has no JavaScript runtime. */
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { inject } from "vitest";
import { runBrain } from "./brain-client.ts";

/** All that a start needs from the PATH. */
const COREUTILS = ["sh", "uname", "readlink", "rm", "env", "cat"];

export interface Scratch {
  readonly directory: string;
  /** An empty directory to start from. */
  readonly empty: string;
  /** The environment of a host without bun, node or npm. */
  readonly env: Readonly<Record<string, string>>;
  dispose(): void;
}

/** Network settings of the machine that the tests run on, which a start must be able to use. */
const NETWORK =
  /^(?:HOME|NODE_EXTRA_CA_CERTS|SSL_CERT_.*|https?_proxy|no_proxy|npm_config_registry|NPM_CONFIG_.*)$/i;

export function makeScratch(): Scratch {
  const directory = mkdtempSync(join(tmpdir(), "gantry-e2e-"));
  const path = join(directory, "path");
  const empty = join(directory, "empty");
  mkdirSync(path);
  mkdirSync(empty);
  for (const name of COREUTILS) {
    const found = ["/bin", "/usr/bin"].map((place) => join(place, name)).find((file) => existsSync(file));
    if (found !== undefined) symlinkSync(found, join(path, name));
  }
  const network = Object.entries(process.env).filter(([name]) => NETWORK.test(name));
  return {
    directory,
    empty,
    env: { ...Object.fromEntries(network.map(([name, value]) => [name, value ?? ""])), PATH: path },
    dispose: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/**
 * A release that nothing has prepared yet, as unpacking gives it. The 100 MB binary is a hard link where that works:
 * a test that changes it must remove it first.
 */
export function copyRelease(parent: string, name = basename(inject("release"))): string {
  const from = inject("release");
  const to = join(parent, name);
  copyLinked(from, to);
  return to;
}

/** A copy that `./gantry prepare` has made ready, on a host without bun, node or npm. */
export async function prepareRelease({ directory, empty, env }: Scratch): Promise<string> {
  const release = copyRelease(directory);
  const prepared = await runBrain([join(release, "gantry"), "prepare"], { cwd: empty, env });
  if (prepared.code !== 0) throw new Error(prepared.stderr);
  return release;
}

/**
 * Copies a release. The files of lib/ are hard links where that works: a test that changes one must remove it first.
 */
export function copyLinked(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) copyLinked(source, target);
    else if (basename(dirname(source)) === "lib") linkOrCopy(source, target);
    else cpSync(source, target, { preserveTimestamps: true });
  }
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    cpSync(source, target, { preserveTimestamps: true });
  }
}
