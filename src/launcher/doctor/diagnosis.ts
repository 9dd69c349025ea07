/**
 * The result of doctor as a value and as text for people. `doctor --json` prints the value. New keys may be added;
 * `schema` is increased when a key changes its meaning.
 */
import type { FileVerdict } from "../../compat/index.ts";
import type { Finding } from "../../base/errors.ts";
import type { CapturedHost } from "../../host/index.ts";
import type { InspectedModule, Release, Scene, TreeState } from "../../modules/index.ts";
import { runsOnSystem } from "../../release/index.ts";
import { count, wrapText } from "../../base/text.ts";
import { directoryLine, hostLines, runtimeLine, verdictLines } from "./host-report.ts";

export interface Diagnosis {
  readonly schema: 1;
  readonly release: ReleaseFacts;
  /** With --json also the facts that `gantry check --host` needs. */
  readonly host: Partial<CapturedHost> & {
    readonly os: string;
    readonly arch: string;
    /** See readHostId. */
    readonly id: string;
    /** The files of LIBC_MARKS that exist here. */
    readonly libcMarks: readonly string[];
  };
  readonly place: {
    readonly modules: string;
    readonly writable: boolean;
    /** Why the tree is not beside the release, and which stores were skipped. */
    readonly passed: readonly string[];
  };
  /** The state of the modules before a start, and what the start would do. */
  readonly plan: TreeState & { readonly would: string };
  readonly modules: readonly InspectedModule[];
  /** The static verdict on each native file. */
  readonly native: readonly FileVerdict[];
  readonly warnings: readonly string[];
  readonly files: { readonly checked: number; readonly foreign: readonly string[] };
  readonly findings: readonly Finding[];
}

export interface ReleaseFacts {
  readonly name: string;
  readonly version: string;
  readonly target: string;
  readonly root: string;
  /** See releaseId. */
  readonly id: string;
  /** The version of gantry that made the release. */
  readonly gantry: string;
  readonly runtime: string;
  readonly install: string;
}

export function describeRelease({ manifest, layout, id }: Release): ReleaseFacts {
  return {
    name: manifest.name,
    version: manifest.version,
    target: manifest.target,
    root: layout.root,
    id,
    gantry: manifest.gantry,
    runtime: `${manifest.runtime.kind} ${manifest.runtime.version}${runsOnSystem(manifest.runtime) ? ", the host's own" : ""}`,
    install: manifest.install,
  };
}

const LABEL = 10;

/** A label of ten columns and its text, broken at blanks. A single long word, such as a path, is not broken. */
function wrapLine(label: string, text: string, columns: number): string[] {
  const width = columns - LABEL;
  const indent = /^ */.exec(text)?.[0] ?? "";
  const broken = text.includes(" ") ? wrapText(text.trimStart(), width - indent.length) : [text];
  return broken.map((part, index) => `${(index === 0 ? label : "").padEnd(LABEL)}${indent}${part}`.trimEnd());
}

/** Lines about the host, the runtime and the file system of the modules. Empty when the host could not be read. */
function sceneLines(scene: Scene | undefined): Record<"host" | "runtime" | "place", string[]> {
  if (scene === undefined) return { host: [], runtime: [], place: [] };
  const { host, runtime } = scene;
  return {
    host: hostLines(host.facts),
    runtime: [runtimeLine(runtime.facts)],
    place: host.facts.directories.map(directoryLine),
  };
}

export interface Style {
  /** Width at which lines are broken; a single word, such as a path, is not broken. */
  readonly columns: number;
  readonly colour: boolean;
}

/** SGR codes for the first word after a line's label: green, yellow, red, dim. */
const COLOURS: Readonly<Record<string, string>> = {
  ok: "32",
  loads: "32",
  ready: "32",
  warn: "33",
  present: "33",
  fail: "31",
  broken: "31",
  absent: "31",
  unavailable: "2",
};
const STATE = new RegExp(`^(.{10})(${Object.keys(COLOURS).join("|")})(?![\\w-])`);

function paintState(line: string): string {
  return line.replace(
    STATE,
    (_, label: string, word: string) => `${label}\u001b[${COLOURS[word]}m${word}\u001b[0m`,
  );
}

export function formatDiagnosis(diagnosis: Diagnosis, scene: Scene | undefined, style: Style): string {
  const { columns, colour } = style;
  const { release, host, place, plan, modules, files, findings, native, warnings } = diagnosis;
  const seen = sceneLines(scene);
  const section = (label: string, texts: readonly string[]): string[] =>
    texts.flatMap((text, index) => wrapLine(index === 0 ? label : "", text, columns));
  const lines = [
    ...section("release", [
      `${release.name} ${release.version} for ${release.target}, id ${release.id}`,
      `made by gantry ${release.gantry}`,
      release.root,
    ]),
    ...section("runtime", seen.runtime.length === 0 ? [release.runtime] : seen.runtime),
    ...section("host", [`${host.os} ${host.arch}, id ${host.id}`, ...seen.host]),
    ...section("tree", [
      `${plan.state}${plan.why === "" ? "" : `: ${plan.why}`}`,
      `${place.modules} (${place.writable ? "can" : "cannot"} be replaced by this user)`,
      ...place.passed.map((line) => `not ${line}`),
      ...seen.place,
    ]),
    ...section("modules", modules.map(formatModule)),
    ...section("native", verdictLines(native)),
    ...(files.checked === 0 ? [] : section("files", [formatFiles(files)])),
    ...section("a start", [`would ${plan.would}`]),
    ...section("warnings", warnings),
    ...section("findings", [findings.length === 0 ? "none" : `${findings.length}, on standard error`]),
  ];
  return (colour ? lines.map(paintState) : lines).join("\n");
}

function formatModule({ name, version, optional, state, reason }: InspectedModule): string {
  const text = `${state.padEnd(6)} ${name} ${version}${optional ? " (optional)" : ""}`;
  return reason === undefined ? text : `${text}: ${reason}`;
}

function formatFiles({ checked, foreign }: Diagnosis["files"]): string {
  const text = `${count(checked, "file")} checked`;
  return foreign.length === 0 ? text : `${text}, ${foreign.length} not part of the release (harmless)`;
}
