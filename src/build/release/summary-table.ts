/**
 * Formats the table at the end of a build in 80 columns: the contents of the release, what was left out, and how many
 * bytes that saved.
 */
import { dirname } from "node:path/posix";
import { type Manifest, NAMES, type ReleaseRequires } from "../../release/index.ts";
import { formatBytes } from "../../base/text.ts";
import { describeStart, type ReleaseStart } from "../smoke/index.ts";
import type { LeftOut } from "../tree/index.ts";

/** What a build made for one target. */
export interface ReleaseSummary {
  readonly target: string;
  readonly directory: string;
  /** Undefined when the build was told to make none. */
  readonly archive: string | undefined;
  readonly archiveBytes: number | undefined;
  readonly manifest: Manifest;
  /** Sizes in bytes of the release's files, by path. */
  readonly files: Readonly<Record<string, number>>;
  readonly leftOut: readonly LeftOut[];
  /** Why each external stays outside the program: a sentence that names the evidence, by its name. */
  readonly reasons: Readonly<Record<string, string>>;
  /** What replaces `process.env.NODE_ENV` in a compiled app. Undefined for a Node app. */
  readonly nodeEnv?: string | undefined;
  /** True when every module was loaded from the finished release on this machine. */
  readonly loadedHere: boolean;
  /** Whether it was started at the end of the build, and what was seen. */
  readonly started: ReleaseStart;
}

const row = (name: string, size: string, note = ""): string =>
  `  ${name.padEnd(50)} ${size.padStart(9)}${note === "" ? "" : `  ${note}`}`;

export function formatSummary(summary: ReleaseSummary): string {
  const { manifest } = summary;
  const lines = [`${summary.target}${summary.loadedHere ? "" : "  (not loaded here)"}`];
  lines.push(...fileLines(summary.files));
  if (summary.nodeEnv !== undefined) lines.push(`compiled with process.env.NODE_ENV = ${summary.nodeEnv}`);
  lines.push("modules");
  for (const external of manifest.externals) {
    const bytes = bytesOf(manifest, external.name);
    const state = external.unavailable === undefined ? "" : "not available";
    lines.push(
      row(`${external.name} ${external.version}`, formatBytes(bytes), state || optionalNote(external)),
    );
  }
  const all = Object.keys(manifest.modules).length;
  lines.push(row(`all of them, ${all} packages`, formatBytes(bytesOf(manifest))));
  lines.push(...leftOutLines(summary.leftOut));
  if (manifest.requires !== undefined)
    lines.push("needs on the host", ...requirementLines(manifest.requires));
  lines.push(...describeStart(summary.started));
  lines.push(`release  ${summary.directory}`);
  if (summary.archive !== undefined)
    lines.push(`archive  ${summary.archive}  ${formatBytes(summary.archiveBytes ?? 0)}`);
  return lines.join("\n");
}

/**
 * The line of the table in which a file is counted. The launcher's files have one line, and so has the app's own
 * JavaScript, because there may be hundreds of files.
 */
function lineOf(path: string): string {
  for (const many of [NAMES.app, NAMES.assets]) if (path.startsWith(`${many}/`)) return `${many}/`;
  return dirname(path) === NAMES.lib && path.endsWith(".mjs") ? NAMES.launcher : path;
}

function fileLines(files: ReleaseSummary["files"]): string[] {
  const lines = new Map<string, number[]>();
  for (const [path, bytes] of Object.entries(files)) {
    const name = lineOf(path);
    lines.set(name, [...(lines.get(name) ?? []), bytes]);
  }
  return [...lines].map(([name, sizes]) => {
    const bytes = formatBytes(sizes.reduce((sum, size) => sum + size, 0));
    return row(name, bytes, sizes.length > 1 ? `in ${sizes.length} files` : "");
  });
}

const leftOutLine = (name: string, files: number | string, size: string): string =>
  `${name.padEnd(43)} ${String(files).padStart(8)} ${size.padStart(9)}`;

/** Lines for the files that pruning removed: reason, number and bytes, with the most bytes first. */
function leftOutLines(leftOut: readonly LeftOut[]): string[] {
  if (leftOut.length === 0) return [];
  const sum = (key: "files" | "bytes"): number => leftOut.reduce((all, entry) => all + entry[key], 0);
  return [
    leftOutLine("left out", "files", "size"),
    ...leftOut
      .toSorted((a, b) => b.bytes - a.bytes)
      .map(({ reason, files, bytes }) => leftOutLine(`  ${reason}`, files, formatBytes(bytes))),
    leftOutLine("  saved", sum("files"), formatBytes(sum("bytes"))),
  ];
}

/** One line for each requirement, with the files that need it. */
function requirementLines(requires: ReleaseRequires): string[] {
  const floors: [string, { readonly value: string | number; readonly by: readonly string[] } | undefined][] =
    [
      ["glibc", requires.glibc],
      ["musl", requires.musl],
      ["libstdc++ GLIBCXX", requires.glibcxx],
      ["libstdc++ CXXABI", requires.cxxabi],
      ["x86-64 level", requires.cpuLevel],
      ["Node-API", requires.napi],
      ...requires.abi.map((floor) => ["NODE_MODULE_VERSION", floor] as [string, typeof floor]),
      ...requires.libraries.map((floor) => ["library", floor] as [string, typeof floor]),
    ];
  return floors.flatMap(([what, floor]) => {
    if (floor === undefined) return [];
    const [first = "", ...others] = floor.by;
    const by = others.length === 0 ? first : `${first} and ${others.length} more`;
    return [`  ${`${what} ${floor.value}`.padEnd(34)} for ${by}`];
  });
}

function optionalNote(external: Manifest["externals"][number]): string {
  return external.optional ? "optional" : "";
}

/**
 * Bytes of the files that an external needs, including those that others need too. Without a name, bytes of the whole
 * tree.
 */
export function bytesOf(manifest: Manifest, external?: string): number {
  let bytes = 0;
  for (const module of Object.values(manifest.modules)) {
    if (external !== undefined && !module.neededBy.includes(external)) continue;
    for (const entry of Object.values(module.files)) bytes += entry[0];
  }
  return bytes;
}
