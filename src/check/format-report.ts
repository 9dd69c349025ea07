/**
 * The two forms of a check report: a table for a terminal, readable at 80 columns, and JSON for programs. Colour only
 * when the caller asks for it. Control characters in text from files are replaced (table) or escaped (JSON).
 */
import type { CompatFinding, FileVerdict, Verdict } from "../compat/index.ts";
import { valueOf, type CpuFacts, type HostFacts, type RuntimeFacts } from "../host/index.ts";
import { jsonText, printable, wrapText } from "../base/text.ts";
import type { CheckReport } from "./report.ts";

/** What `--json` prints. */
export interface CheckJson {
  readonly schema: 1;
  readonly host: Pick<HostFacts, "arch" | "libc" | "system" | "kernel"> & {
    /** x86-64-v1 to v4; null on other machines. */
    readonly cpuLevel: NonNullable<CpuFacts["level"]> | null;
  };
  readonly runtime: RuntimeFacts & { readonly findings: readonly CompatFinding[] };
  readonly files: readonly FileVerdict[];
}

export function formatJson(report: CheckReport): string {
  const { host, runtime, runtimeFindings, files } = report;
  const { arch, libc, system, kernel, cpu } = host;
  const value: CheckJson = {
    schema: 1,
    host: { arch, libc, system, kernel, cpuLevel: valueOf(cpu)?.level ?? null },
    runtime: { ...runtime, findings: runtimeFindings },
    files,
  };
  return `${jsonText(value)}\n`;
}

export interface TableStyle {
  readonly columns: number;
  readonly colour: boolean;
}

const COLOURS: Readonly<Record<Verdict, string>> = { ok: "32", warn: "33", fail: "31", skip: "2" };

export function formatTable(report: CheckReport, style: TableStyle): string {
  const lines = [title(report)];
  for (const finding of report.runtimeFindings) lines.push(...describe(finding, style));
  for (const file of report.files) {
    // Skipped files get no line of their own: another platform's build, or no addon. The last line counts them.
    if (file.verdict !== "skip") lines.push(...fileLines(file, style));
  }
  return `${[...lines, summary(report)].join("\n")}\n`;
}

function title({ host, runtime }: CheckReport): string {
  const name = valueOf(host.system)?.name ?? "unknown system";
  const libc = valueOf(host.libc);
  const version = valueOf(runtime.version);
  const abi = valueOf(runtime.abi);
  const parts = [
    printable(name),
    valueOf(host.arch) ?? "unknown machine",
    libc === undefined ? "unknown C library" : `${libc.family} ${libc.version}`,
    `${runtime.kind}${version === undefined ? "" : ` ${version}`}${abi === undefined ? "" : ` (ABI ${abi})`}`,
  ];
  return parts.join(" · ");
}

function fileLines(file: FileVerdict, style: TableStyle): string[] {
  const mark = paint(file.verdict.padEnd(5), file.verdict, style);
  const path = shorten(printable(file.path), style.columns - 6);
  return [`${mark} ${path}`, ...file.findings.flatMap((finding) => describe(finding, style))];
}

function describe(finding: CompatFinding, style: TableStyle): string[] {
  const verdict = finding.severity === "error" ? "fail" : "warn";
  const [first = "", ...rest] = wrapText(`${finding.code}: ${printable(finding.what)}`, style.columns - 6);
  const head = first.replace(finding.code, paint(finding.code, verdict, style));
  const fix = wrapText(printable(finding.fix), style.columns - 12);
  const quoted = finding.what.includes(finding.evidence)
    ? []
    : wrapText(printable(finding.evidence), style.columns - 12);
  return [
    `      ${head}`,
    ...rest.map((line) => `      ${line}`),
    ...labelled("found", quoted),
    ...labelled("fix", fix),
  ];
}

function labelled(label: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `      ${(index === 0 ? label : "").padEnd(5)} ${line}`);
}

function summary({ files }: CheckReport): string {
  const count = (verdict: Verdict): number => files.filter((file) => file.verdict === verdict).length;
  const parts = [`${count("ok")} ok`, `${count("warn")} to watch`, `${count("fail")} will not load`];
  if (count("skip") > 0) parts.push(`${count("skip")} passed over (for other platforms, or no addon)`);
  return parts.join(", ");
}

function paint(text: string, verdict: Verdict, { colour }: TableStyle): string {
  return colour ? `\u001b[${COLOURS[verdict]}m${text}\u001b[0m` : text;
}

/** Cuts the start of a path, because its end identifies the file. */
function shorten(path: string, width: number): string {
  return path.length <= width ? path : `…${path.slice(path.length - width + 1)}`;
}
