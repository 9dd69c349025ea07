/**
 * What doctor found out, as a value and as text for people. The JSON form is this value; new keys may be added to
 * it, and `schema` grows when one changes its meaning.
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
  /** With `--json` also all that `gantry check --host` needs. */
  readonly host: Partial<CapturedHost> & {
    readonly os: string;
    readonly arch: string;
    /** What stamps call this host. */
    readonly id: string;
    /** Files that change with the C library, as far as they exist here. */
    readonly libcMarks: readonly string[];
  };
  readonly place: {
    readonly modules: string;
    readonly writable: boolean;
    /** Why it is not beside the release, and which stores were passed over. */
    readonly passed: readonly string[];
  };
  /** What a start finds, and what it would do. */
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
  /** Names the manifest, and so everything else. */
  readonly id: string;
  /** The version of gantry that made it. */
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

/** A label of ten columns and its text, broken at blanks; a single long word, such as a path, is kept whole. */
function wrapLine(label: string, text: string, columns: number): string[] {
  const width = columns - LABEL;
  const indent = /^ */.exec(text)?.[0] ?? "";
  const broken = text.includes(" ") ? wrapText(text.trimStart(), width - indent.length) : [text];
  return broken.map((part, index) => `${(index === 0 ? label : "").padEnd(LABEL)}${indent}${part}`.trimEnd());
}

/** Lines of the host and of the directory that the modules lie in, where the host could be read. */
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
  /** Lines are broken there; what is one word (a path) is not. */
  readonly columns: number;
  readonly colour: boolean;
}

/** SGR codes for the words that a line begins with: green, yellow, red, dim. */
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
