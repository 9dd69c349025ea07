/**
 * What doctor found out, as a value and as text for people. The JSON form is this value; new keys may be added to
 * it, and `schema` grows when one changes its meaning.
 */
import type { Finding } from "../errors.ts";
import type { InspectedModule } from "../provision/inspect.ts";
import type { Plan } from "../provision/plan.ts";
import type { Release } from "../provision/release.ts";
import { count } from "../provision/report.ts";

export interface Diagnosis {
  readonly schema: 1;
  readonly release: ReleaseFacts;
  readonly host: {
    readonly os: string;
    readonly arch: string;
    /** What stamps call this host. */
    readonly id: string;
    /** Files that change with the C library, as far as they exist here. */
    readonly libcMarks: readonly string[];
  };
  readonly place: { readonly modules: string; readonly writable: boolean };
  /** What a start finds, and what it would do. */
  readonly plan: Plan & { readonly would: string };
  readonly modules: readonly InspectedModule[];
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
    runtime: `${manifest.runtime.kind} ${manifest.runtime.version}`,
    install: manifest.install,
  };
}

/** A label of ten columns and its text. */
function line(label: string, text: string): string {
  return `${label.padEnd(10)}${text}`.trimEnd();
}

export function formatDiagnosis({ release, host, place, plan, modules, files, findings }: Diagnosis): string {
  const longest = Math.max(0, ...modules.map(({ name, version }) => `${name} ${version}`.length));
  const lines = [
    line("release", `${release.name} ${release.version} for ${release.target}, id ${release.id}`),
    line("", `made by gantry ${release.gantry}, runs on ${release.runtime}`),
    line("", release.root),
    line("host", `${host.os} ${host.arch}, id ${host.id}`),
    line("tree", `${plan.state}${plan.why === "" ? "" : `: ${plan.why}`}`),
    line("", `${place.modules} (${place.writable ? "can" : "cannot"} be replaced by this user)`),
    ...modules.map((module, index) => line(index === 0 ? "modules" : "", formatModule(module, longest))),
    ...(files.checked === 0 ? [] : [line("files", formatFiles(files))]),
    line("a start", `would ${plan.would}`),
    line("findings", findings.length === 0 ? "none" : `${findings.length}, on standard error`),
  ];
  return lines.join("\n");
}

function formatModule({ name, version, optional, state, reason }: InspectedModule, longest: number): string {
  const text = `${`${name} ${version}`.padEnd(longest)}  ${state}${optional ? ", optional" : ""}`;
  return reason === undefined ? text : `${text}: ${reason}`;
}

function formatFiles({ checked, foreign }: Diagnosis["files"]): string {
  const text = `${count(checked, "file")} checked`;
  return foreign.length === 0 ? text : `${text}, ${foreign.length} not part of the release (harmless)`;
}
