/**
 * Renders the shell scripts of a release from templates/*.sh. First `#@include FILE` lines are replaced, whose FILE may
 * contain placeholders, then `@KEY@` placeholders. Every value is checked before it is inserted, so that no setting can
 * become shell code.
 */
import { EM_OF_ARCH } from "../../elf/index.ts";
import { basename } from "node:path";
import { variablesWhere } from "../../base/variables.ts";
import { packagesOf } from "../../compat/index.ts";
import {
  cpuFlagOfBun,
  KEPT_PATHS,
  KEPT_VARIABLES,
  LAUNCHER_RUNTIME,
  LIBC_MARKS,
  type Manifest,
  MODULES_VARIABLE,
  NAMES,
  NOTE,
  NOTE_STORE,
  NOTES,
  parseTarget,
  programPath,
  type ReleaseRuntime,
  STORE_NAME,
  STORE_STATUS,
  STORE_USED,
  STORE_VARIABLES,
  storeTreeName,
  type Target,
  targetSuffix,
} from "../../release/index.ts";
import type { ProvenFile } from "./program-checksums.ts";
import { plainWord, renderTemplate } from "../template.ts";

/** Variables that only gantry uses. The start script does not pass them to the app. */
const OWN_VARIABLES = variablesWhere(
  ({ kind, readBy }, name) =>
    // The start script itself sets MODULES_VARIABLE, and the app's prelude reads it.
    kind !== "foreign" && readBy.some((side) => side !== "build") && name !== MODULES_VARIABLE,
);

/** Shell code for a word that is empty if no variable is set which a start has to read, change or remove. */
const ATTENTION = `\${NODE_PATH-}${["BUN_BE_BUN", "BUN_OPTIONS", ...OWN_VARIABLES].map((name) => `\${${name}+x}`).join("")}`;

/** The command that installs, on Alpine, the libraries that Bun's musl builds need in addition to musl. */
const APK_ADD = "apk add libstdc++ libgcc";

/** The fix when the shell ends with status 126 or 127, although the program is there and is made for this machine. */
const EXEC_FIX = "check its mode (755), that its mount is not noexec, and what the loader says above";

/** The fix for a host on which no program starts that is linked to a C library, such as an empty image or NixOS. */
const NO_LIBC_FIX = {
  gnu: "there is no C library here: run it on a system or an image with glibc, such as debian:stable-slim; NixOS has one with programs.nix-ld.enable = true",
  musl: "there is no C library here: run it on a system or an image with musl, such as Alpine",
} as const;

export interface StubOptions {
  readonly manifest: Manifest;
  /** `name-vVERSION`, the part of the release's name before its target. */
  readonly base: string;
  readonly releaseId: string;
  /** Names of the launcher's files in lib/. */
  readonly launcher: readonly string[];
  /** Files that are compared before the launcher runs. */
  readonly proven: readonly ProvenFile[];
}

type ScriptValues = Readonly<Record<string, string | undefined>>;

/**
 * On every host without /etc/alpine-release, node-gyp-build takes musl for glibc, and then does not find its files for
 * musl. It looks at this variable first.
 */
const MUSL_VARIABLE = "export LIBC=musl";

/** Quotes a text with single quotes, the only quotes of sh in which no character is special. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Renders the three scripts of a release, by their path in it. */
export function renderStubs(options: StubOptions): Record<string, string> {
  const values = stubValues(options);
  return {
    [options.manifest.binary]: renderTemplate("templates/brain.sh", values),
    [NAMES.gantry]: renderTemplate("templates/gantry.sh", values),
    [NAMES.setup]: renderTemplate("templates/setup.sh", values),
  };
}

function stubValues({ manifest, base, releaseId, launcher, proven }: StubOptions): ScriptValues {
  const target = parseTarget(manifest.target);
  const system = target.os === "linux" ? "Linux" : "Darwin";
  return {
    BASE: plainWord(base),
    TARGET: target.name,
    RELEASE: plainWord(releaseId),
    GANTRY: plainWord(manifest.gantry),
    BINARY: plainWord(manifest.binary),
    ...runtimeValues(manifest.runtime),
    VARIABLES: OWN_VARIABLES.join(" "),
    ATTENTION,
    LAUNCHER: launcher.map(plainWord).join(" "),
    ...provenValues(proven),
    NAME: `${plainWord(base)}-${targetSuffix(target)}`,
    START_GATE: NAMES.startGate,
    STORES: STORE_VARIABLES.join(" "),
    STORE_USED,
    NOTES,
    NOTE,
    NOTE_STORE,
    STORE_TREE: `${STORE_NAME}/${storeTreeName(manifest.modules)}`,
    STORE_CASES: STORE_VARIABLES.map((name) => `${STORE_STATUS[name]}) in_store ${name} || : ;;`).join("\n"),
    HOST_PATH,
    SYSTEM: system,
    ARCH: target.arch,
    INTERPRETER: target.interpreter,
    EXEC_FIX: execFix(target, base),
    NO_LIBC_FIX: NO_LIBC_FIX[target.libc ?? "gnu"],
    APK_ADD,
    ABSOLUTE_PATHS: KEPT_PATHS.map(absolutePath).join("\n  "),
    KEPT_VARIABLES: keptVariables(manifest.runtime, target).join(" | "),
    MUSL_VARIABLE: target.libc === "musl" ? MUSL_VARIABLE : undefined,
    LIBRARIES: target.libc === "musl" ? ownLibraries(manifest).join(" ") : "",
    LINKED: target.libc === "gnu" ? linkedLibraries(manifest).join(" ") : "",
    MULTIARCH: target.machines[0] ?? "",
    ...processorValues(manifest.runtime, target, base),
    ELF_MACHINE: target.os === "linux" ? elfMachine(target) : "",
    MACHINES: target.machines.map((machine) => `"${system} ${machine}"`).join(" | "),
    LIBC_CHECKS: libcMarks(target.libc)
      .map((mark) => ` &&\n  ! [ ${mark} -nt "$gantry_stamp" ]`)
      .join(""),
    NATIVE_CHECKS: nativeChecks(manifest)
      .map((check) => ` &&\n  ${check}`)
      .join(""),
  };
}

/**
 * Shell code before a command of the system: finds it also if the PATH lacks its directory. The system's directories come
 * first, because a PATH may begin with the current directory.
 */
const HOST_PATH = "PATH=/usr/bin:/bin${PATH:+:$PATH}";

/** Values for checking the program and the launcher. The sizes are compared first, because that reads no file. */
function provenValues(proven: readonly ProvenFile[]): Record<string, string> {
  const lines = (line: (file: ProvenFile) => string) => proven.map((file) => quote(line(file))).join(" ");
  return {
    PROVEN: proven.map(({ path }) => quote(path)).join(" "),
    SIZES: proven.map(({ path, size }) => `check_size ${quote(path)} ${size}`).join("\n  ") || ":",
    CHECKSUMS: lines(({ path, size, crc }) => `${crc} ${size} ${path}`),
    DIGESTS: lines(({ path, sha256 }) => `${sha256}  ${path}`),
  };
}

/**
 * Shell code that makes the path in a variable absolute. A relative path is relative to the directory that the start
 * script is about to leave.
 */
function absolutePath(name: string): string {
  return `case \${${name}-} in '' | /*) ;; *) ${name}=\${PWD-}/\$${name} ;; esac`;
}

/**
 * Names of the variables in the launcher's environment: those that it keeps from its caller's, and those that the start
 * script sets.
 */
function keptVariables({ kind }: ReleaseRuntime, { libc }: Target): readonly string[] {
  const own = [
    ...(kind === "bun" ? Object.keys(LAUNCHER_RUNTIME) : []),
    ...(libc === "musl" ? ["LIBC"] : []),
  ];
  return [...KEPT_VARIABLES, ...own];
}

/**
 * The fix when the program does not start. With gcompat, Alpine has a glibc loader, but few programs that were built
 * for glibc start with it.
 */
function execFix(target: Target, base: string): string {
  if (target.libc === undefined) return EXEC_FIX;
  if (target.libc === "musl") return `${EXEC_FIX}; on Alpine: ${APK_ADD}`;
  return `${EXEC_FIX}; on Alpine, with gcompat too: take the release ${plainWord(base)}-linux-${target.arch}-musl`;
}

/** Names of the shared libraries that the program in lib/ needs. */
function ownLibraries(manifest: Manifest): string[] {
  const program = basename(programPath(manifest) ?? "");
  const libraries = manifest.requires?.libraries ?? [];
  return libraries.filter(({ by }) => by.includes(program)).map(({ value }) => plainWord(value));
}

/** The same libraries with the packages that contain them on Debian and on Fedora: `LIBRARY:PACKAGE:PACKAGE`. */
function linkedLibraries(manifest: Manifest): string[] {
  return ownLibraries(manifest).map((library) => {
    const packages = packagesOf(library);
    return packages === undefined
      ? `${library}::`
      : [library, plainWord(packages.debian), plainWord(packages.fedora)].join(":");
  });
}

/** The e_machine field of an ELF file, as od prints its two bytes (ELF gABI). */
function elfMachine({ arch }: Target): string {
  return `${EM_OF_ARCH[arch].toString(16).padStart(2, "0")} 00`;
}

/**
 * Values for checking the processor. Node's builds for x64 run on every x64 processor (20 to 26, tried with qemu's
 * processor models). Bun's builds do not.
 */
function processorValues(runtime: ReleaseRuntime, target: Target, base: string): Record<string, string> {
  const flag = runtime.kind === "bun" ? cpuFlagOfBun(target, runtime.version) : undefined;
  const baseline = `take the release ${plainWord(base)}-${targetSuffix(target)}-baseline`;
  const newer =
    "run it on a newer processor (Intel since 2008, AMD since 2011): Bun has no build for this one";
  return { CPU_FLAG: flag ?? "", CPU_FIX: flag === "avx2" ? baseline : newer };
}

/** Values for the runtime. `PROGRAM` names the templates that find it and run the launcher, `APP` starts the app. */
function runtimeValues(runtime: ReleaseRuntime): Record<string, string | undefined> {
  if (runtime.kind === "bun")
    return { PROGRAM: "bun", APP: '"$gantry_program"', SAME_PROGRAM: "", FORGET: undefined };
  const { version, abi, entry, system } = runtime;
  return {
    PROGRAM: system ? "system" : "node",
    // The preload file makes packages resolve from the prepared tree.
    APP: `"$gantry_program" --require "$gantry_root/lib/preload.cjs" "$gantry_root"/${quote(entry)}`,
    SAME_PROGRAM: system ? ' && same_program "$gantry_stamp"' : "",
    // A path in a stamp is used only when the stamp may be trusted.
    FORGET: system ? "gantry_program=$gantry_on_path" : undefined,
    ENTRY: quote(entry),
    NODE: plainWord(version),
    NODE_MAJOR: plainWord(version.split(".")[0] ?? ""),
    ABI: String(abi),
  };
}

function libcMarks(libc: string | undefined): readonly string[] {
  return libc === undefined ? [] : LIBC_MARKS;
}

/**
 * Shell code with a test for each native file: the file exists and is not newer than the stamp, or its module is known
 * to be absent on this host.
 */
function nativeChecks(manifest: Manifest): string[] {
  const optional = new Map(manifest.externals.map((external, index) => [external.name, { external, index }]));
  return manifest.native.map(({ path, neededBy }) => {
    const file = `"$gantry_modules"/${quote(path)}`;
    const intact = `[ -f ${file} ] && ! [ ${file} -nt "$gantry_stamp" ]`;
    const needing = neededBy.flatMap((name) => optional.get(name) ?? []);
    if (needing.some(({ external }) => !external.optional)) return intact;
    const without = needing.map(({ index }) => `[ -f "$gantry_stamp.without-${index}" ]`).join(" && ");
    return `{ { ${without}; } || { ${intact}; }; }`;
  });
}
