/** Describes the host for doctor in a few lines for people. */
import type { FileVerdict } from "../../compat/index.ts";
import {
  valueOf,
  type DirectoryFacts,
  type Fact,
  type HostFacts,
  type RuntimeFacts,
} from "../../host/index.ts";
import { formatBytes, printable } from "../../base/text.ts";

/** A fact as text; `unknown` when it could not be read. */
function spoken<T>(fact: Fact<T>, say: (value: T) => string): string {
  const value = valueOf(fact);
  return value === undefined ? "unknown" : printable(say(value));
}

/** Lines about system, C library, kernel and processor. */
export function hostLines(facts: HostFacts): string[] {
  const system = spoken(facts.system, ({ name }) => name);
  const libc = spoken(facts.libc, ({ family, version }) => `${family} ${version}`);
  const cpu = spoken(facts.cpu, ({ level, features }) =>
    level === undefined ? `${features.length} features` : `x86-64-v${level}`,
  );
  return [`${system}, C library ${libc}`, `kernel ${spoken(facts.kernel, String)}, processor ${cpu}`];
}

/** A line with version, NODE_MODULE_VERSION and Node-API version of the program that loads the modules. */
export function runtimeLine(facts: RuntimeFacts): string {
  const version = spoken(facts.version, String);
  return `${facts.kind} ${version}, ABI ${spoken(facts.abi, String)}, Node-API ${spoken(facts.napi, String)}`;
}

/** A line about the modules' file system: mount point, type, mount options, free space. */
export function directoryLine({
  mountPoint,
  fileSystem,
  noexec,
  readOnly,
  freeBytes,
}: DirectoryFacts): string {
  const mounted = [...(noexec ? ["noexec"] : []), ...(readOnly ? ["read-only"] : [])];
  const free = spoken(freeBytes, formatBytes);
  return `on ${mountPoint} (${[fileSystem, ...mounted].join(", ")}), ${free} free`;
}

/** A line for each native file, followed by each finding and its fix. */
export function verdictLines(native: readonly FileVerdict[]): string[] {
  return native.flatMap(({ path, verdict, findings }) => [
    `${verdict.padEnd(4)}  ${printable(path)}`,
    ...findings.flatMap(({ code, what, fix }) => [`      ${code}: ${printable(what)}`, `      fix: ${fix}`]),
  ]);
}
