/**
 * The static verdict on a tree's native files: the files are read and not run. The verdict gives reasons. The load probe
 * decides, and proof/reconcile.ts combines the two.
 */
import { join, relative } from "node:path";
import { errorCode } from "../../base/errors.ts";
import {
  createJudge,
  explain,
  passOverForeign,
  type Explanation,
  type FileVerdict,
  type Judge,
} from "../../compat/index.ts";
import {
  findMount,
  readHost,
  readMounts,
  readRuntime,
  withNativeFile,
  type HostView,
  type Mount,
  type OwnVersions,
  type RuntimeView,
} from "../../host/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { Release } from "../release/unpacked.ts";

/** Facts about this host and the release's own program, and the rules that judge files by them. */
export interface Scene {
  readonly host: HostView;
  readonly runtime: RuntimeView;
  readonly judge: Judge;
}

/** Facts about the running process. The launcher runs in the release's own program. */
export interface Self {
  /** process.platform. */
  readonly os: string;
  /** process.execPath. */
  readonly path: string;
  /** The effective user id. */
  readonly uid?: number;
  /** process.arch. */
  readonly arch: string;
  /** process.versions. */
  readonly versions: OwnVersions;
}

export interface SceneOptions {
  readonly release: Release;
  readonly environment: Environment;
  readonly self: Self;
  /** Directories whose mount, free space and owner are read too. */
  readonly directories?: readonly string[];
}

export interface StaticVerdict {
  /** By path relative to node_modules; missing and unreadable files have no verdict. */
  readonly files: ReadonlyMap<string, FileVerdict>;
  /** Explains a message of a loader in the terms of this host. */
  readonly explain: (text: string) => readonly Explanation[];
}

/**
 * Reads host and runtime. Undefined where the rules do not apply (systems whose programs are not ELF files), and where
 * the release's own program cannot be read; checkExecutable reports that.
 */
export function readScene({ release, environment, self, directories }: SceneOptions): Scene | undefined {
  if (release.target.libc === undefined) return undefined;
  try {
    const host = readHost({ env: environment, arch: self.arch, directories: directories ?? [] });
    const runtime = readRuntime(release.layout.executable, self.versions);
    return { host, runtime, judge: createJudge(host, runtime) };
  } catch {
    return undefined;
  }
}

/** Judges each native file of the manifest that lies below `modules`. */
export function judgeTree(scene: Scene | undefined, release: Release, modules: string): StaticVerdict {
  if (scene === undefined) return { files: new Map(), explain: (text) => explain(text) };
  const { host, runtime, judge } = scene;
  const mounts = readMounts();
  const judged = release.manifest.native.flatMap(
    ({ path }) => judgeFile(judge, join(modules, path), mounts) ?? [],
  );
  const files = passOverForeign(judged).map((verdict) => [relative(modules, verdict.path), verdict] as const);
  return {
    files: new Map(files),
    explain: (text) => explain(text, { host: host.facts, runtime: runtime.facts }),
  };
}

function judgeFile(judge: Judge, path: string, mounts: readonly Mount[]): FileVerdict | undefined {
  const mount = findMount(mounts, path);
  const noexec = mount?.options.includes("noexec") === true ? { noexec: mount.point } : {};
  try {
    return withNativeFile(path, (file) => judge.judge({ path, file, ...noexec }));
  } catch (error) {
    // verifyTree (tree/verify.ts) reports missing and unreadable files.
    if (errorCode(error) !== undefined) return undefined;
    throw error;
  }
}
