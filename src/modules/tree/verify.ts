/**
 * Compares a tree with the manifest, file by file: size, SHA-256 and, in a tree that this process made, the mode. Nothing
 * is changed. Every module is checked, so that one run reports everything that is wrong.
 */
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { unlessMissing, unlessRefused } from "../../base/files/index.ts";
import { errorCode, type Finding } from "../../base/errors.ts";
import { foreignTo } from "../../compat/index.ts";
import { withNativeFile } from "../../host/index.ts";
import {
  availableExternals,
  type FileEntry,
  groupUnlisted,
  type Manifest,
  manifestTarget,
  NAMES,
  readTreeEntry,
  readTreeFiles,
  runtimeAbi,
  type TreeFile,
  type TreeModule,
  wantedModules,
} from "../../release/index.ts";
import { couldBeLoaded, isPlanted } from "./unlisted-files.ts";

interface BrokenExternal {
  readonly name: string;
  readonly optional: boolean;
  readonly findings: readonly [Finding, ...Finding[]];
}

export interface TreeVerdict {
  /** Externals whose modules have every file as it was built, in the manifest's order. */
  readonly whole: readonly string[];
  /** Optional externals that are not in the tree. */
  readonly absent: readonly string[];
  readonly broken: readonly BrokenExternal[];
  /** Files that the manifest does not name, relative to the modules directory. */
  readonly foreign: readonly string[];
  /** Foreign files that an import could resolve to, see couldBeLoaded and isPlanted. */
  readonly loadable: readonly string[];
  /** Foreign files in the tree of a release that pins a key, which are refused. */
  readonly planted?: Planted | undefined;
  readonly checkedFiles: number;
}

export interface Planted {
  /** Files, links, and directories without any listed file, relative to the modules directory. */
  readonly paths: readonly string[];
  readonly finding: Finding;
}

export interface VerifyOptions {
  /** `strict` for trees made here; `ignored` for others, as a copied tree may have lost its modes and still works. */
  readonly modes: "strict" | "ignored";
  readonly signal?: AbortSignal | undefined;
  /** Files that were hashed while they were written, by path; their contents are not read again. */
  readonly written?: ReadonlyMap<string, FileEntry> | undefined;
  /** Called with each file's path, relative to the modules directory, once it is checked. */
  readonly checked?: (path: string) => void;
}

/**
 * Compares every file of a tree with the manifest.
 * @param modules the node_modules directory; a missing one is an empty tree
 * @throws the signal's reason
 */
export async function verifyTree(
  modules: string,
  manifest: Manifest,
  options: VerifyOptions,
): Promise<TreeVerdict> {
  const there = new Map(readOwnFiles(modules).map((file) => [file.path, file]));
  const wanted = wantedModules(manifest);
  const listed = new Set(
    wanted.flatMap(([directory, module]) => Object.keys(module.files).map((path) => `${directory}/${path}`)),
  );
  const foreign = [...there.keys()].filter((path) => !listed.has(path));
  const isElsewhere = elsewhereIn(modules, manifest);
  const pinned = manifest.publicKey !== undefined;
  const hostile = foreign.filter((path) =>
    pinned ? isPlanted(path) : couldBeLoaded(path, wanted, listed, isElsewhere),
  );
  const findings = new Map<string, Finding>();
  for (const [directory, module] of wanted) {
    const finding =
      (await checkModule(modules, directory, module, there, options)) ??
      (pinned ? undefined : checkForeign(directory, module, hostile));
    if (finding !== undefined) findings.set(directory, finding);
  }
  return {
    ...judge(manifest, wanted, findings, there),
    foreign,
    loadable: hostile,
    planted: pinned ? findPlanted(groupUnlisted(hostile, listed).map(({ path }) => path)) : undefined,
    checkedFiles: listed.size,
  };
}

/** Returns a function that reads whether a file was made for another platform or runtime than the release's. */
function elsewhereIn(modules: string, manifest: Manifest): (path: string) => boolean {
  const { kind } = manifest.runtime;
  const place = { ...manifestTarget(manifest), runtime: { kind, abi: runtimeAbi(manifest.runtime) } };
  return (path) =>
    unlessRefused(() => withNativeFile(join(modules, path), (file) => foreignTo(path, file, place))) !==
    undefined;
}

/** How many further paths a finding names. */
const NAMED = 8;

function findPlanted(paths: readonly string[]): Planted | undefined {
  const [first, ...rest] = paths;
  if (first === undefined) return undefined;
  const more = rest.length > NAMED ? [`and ${rest.length - NAMED} more`] : [];
  const finding: Finding = {
    code: "DIGEST_MISMATCH",
    what: `${first} is no part of this release, and its app could load it`,
    where: shown(first),
    detail: [...rest.slice(0, NAMED).map(shown), ...more],
    fix: "./gantry verify --repair removes what is no part of the release; then find out who put it there",
  };
  return { paths, finding };
}

function readOwnFiles(modules: string): TreeFile[] {
  const files = unlessMissing(() => readTreeFiles(modules)) ?? [];
  return files.filter((file) => !file.path.startsWith(`${NAMES.stamps}/`));
}

async function checkModule(
  modules: string,
  directory: string,
  module: TreeModule,
  there: ReadonlyMap<string, TreeFile>,
  options: VerifyOptions,
): Promise<Finding | undefined> {
  const paths = Object.entries(module.files).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (!paths.some(([path]) => there.has(`${directory}/${path}`))) {
    return {
      code: "MODULE_UNAVAILABLE",
      what: `${module.name} ${module.version} is not there (needed by ${module.neededBy.join(", ")})`,
      where: shown(directory),
      fix: "run ./gantry verify --repair, or ./gantry prepare",
    };
  }
  let first: { readonly path: string; readonly what: string } | undefined;
  let count = 0;
  for (const [inner, entry] of paths) {
    const path = `${directory}/${inner}`;
    const what = differenceOf(modules, there.get(path), entry, options);
    options.checked?.(path);
    if (what !== undefined) {
      count += 1;
      first ??= { path, what };
    }
    // Lets the lock's heartbeat and signals run between files.
    await new Promise<void>((resolve) => setImmediate(resolve));
    options.signal?.throwIfAborted();
  }
  if (first === undefined) return undefined;
  return {
    code: "DIGEST_MISMATCH",
    what: `${module.name} ${module.version} is not as it was built: ${first.what}`,
    where: shown(first.path),
    ...(count === 1 ? {} : { detail: [`and ${count - 1} more of its ${paths.length} files`] }),
  };
}

/** The path as messages show it: relative to the release, because a work directory is removed before people read it. */
function shown(path: string): string {
  return `${NAMES.modules}/${path}`;
}

/** How a file differs from its entry; undefined when it does not. Sizes are compared first, which is cheap. */
function differenceOf(
  modules: string,
  file: TreeFile | undefined,
  entry: FileEntry,
  { modes, written }: Pick<VerifyOptions, "modes" | "written">,
): string | undefined {
  if (file === undefined) return "a file is missing";
  try {
    if (file.kind === "file") {
      const { size } = lstatSync(join(modules, file.path));
      if (size !== entry[0]) return `a file has ${size} bytes instead of ${entry[0]}`;
    }
    const known = file.kind === "file" ? written?.get(file.path) : undefined;
    const [, digest, mode] = known ?? readTreeEntry(modules, file);
    if (digest !== entry[1])
      return file.kind === "link" ? "a link stands in for a file" : "a file's content differs";
    if (modes === "strict" && mode !== entry[2]) return "a file's mode differs";
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return `a file cannot be read (${code})`;
  }
  return undefined;
}

/** Whether a regular file with the entry's size and content is at this path; its mode is not compared. */
export function isAsBuilt(modules: string, path: string, entry: FileEntry): boolean {
  const found = lstatSync(join(modules, path), { throwIfNoEntry: false });
  if (found === undefined || !found.isFile()) return false;
  return differenceOf(modules, { path, kind: "file" }, entry, { modes: "ignored" }) === undefined;
}

function checkForeign(
  directory: string,
  module: TreeModule,
  hostile: readonly string[],
): Finding | undefined {
  const path = hostile.find((candidate) => candidate.startsWith(`${directory}/`));
  if (path === undefined) return undefined;
  return {
    code: "DIGEST_MISMATCH",
    what: `${module.name} ${module.version} is not as it was built: a foreign file could be loaded in place of its own`,
    where: shown(path),
  };
}

function judge(
  manifest: Manifest,
  wanted: ReturnType<typeof wantedModules>,
  findings: ReadonlyMap<string, Finding>,
  there: ReadonlyMap<string, TreeFile>,
): Pick<TreeVerdict, "whole" | "absent" | "broken"> {
  const whole: string[] = [];
  const absent: string[] = [];
  const broken: BrokenExternal[] = [];
  for (const { name, optional } of availableExternals(manifest)) {
    const mine = wanted.filter(([, module]) => module.neededBy.includes(name));
    const [first, ...rest] = mine.flatMap(([directory]) => findings.get(directory) ?? []);
    const begun = Object.keys(manifest.modules[name]?.files ?? {}).some((path) =>
      there.has(`${name}/${path}`),
    );
    if (first === undefined) whole.push(name);
    else if (optional && !begun) absent.push(name);
    else broken.push({ name, optional, findings: [first, ...rest] });
  }
  return { whole, absent, broken };
}
