/**
 * The shell scripts of a release, rendered from templates/*.sh: `#@include FILE` lines, then `@KEY@` places.
 * Every value is checked before it is placed, so that no setting can become shell code.
 */
import { readFileSync } from "node:fs";
import { GantryError } from "../errors.ts";
import { NAMES } from "../release/layout.ts";
import { type Manifest } from "../release/manifest.ts";
import { LIBC_MARKS } from "../release/stamp.ts";
import { parseTarget } from "../release/targets.ts";

/** Variables that steer gantry and are nobody else's business: the stub keeps them from the app. */
const VARIABLES = [
  "GANTRY_BUNDLE",
  "GANTRY_LOG_LEVEL",
  "GANTRY_OFFLINE",
  "GANTRY_PACKAGE_MANAGER",
  "GANTRY_PROBE",
  "GANTRY_REGISTRY",
  "GANTRY_SKIP",
  "GANTRY_STORE",
] as const;

/** e_machine as od prints its two bytes: EM_X86_64 is 62, EM_AARCH64 is 183 (ELF gABI). */
const ELF_MACHINES = { x64: "3e 00", arm64: "b7 00" } as const;

/** What a shell's 126 or 127 can mean once the file, its loader and its machine are known to be right. */
const EXEC_FIX = "check its mode (755), that its mount is not noexec, and what the loader says above";

export interface StubOptions {
  readonly manifest: Manifest;
  /** `name-vVERSION`, the part of the release's name before its target. */
  readonly base: string;
  readonly releaseId: string;
}

/**
 * Renders one template.
 * @throws GantryError INTERNAL when a place is left without a value
 */
function renderTemplate(name: string, values: Readonly<Record<string, string>>): string {
  const text = readTemplate(name).replace(/^#@include (\S+)\n/gm, (_, part: string) => readTemplate(part));
  return text.replace(/@([A-Z_]+)@/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined)
      throw new GantryError({ code: "INTERNAL", what: `templates/${name} asks for ${key}` });
    return value;
  });
}

/** A file of templates/, as it is. */
export function readTemplate(name: string): string {
  return readFileSync(new URL(`../../templates/${name}`, import.meta.url), "utf8");
}

/** Puts a path into single quotes, the one form of sh quoting in which nothing is special. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The three scripts of a release, by their path in it. */
export function renderStubs(options: StubOptions): Record<string, string> {
  const values = stubValues(options);
  return {
    [options.manifest.binary]: renderTemplate("brain.sh", values),
    [NAMES.gantry]: renderTemplate("gantry.sh", values),
    [NAMES.setup]: renderTemplate("setup.sh", values),
  };
}

function stubValues({ manifest, base, releaseId }: StubOptions): Record<string, string> {
  const target = parseTarget(manifest.target);
  const system = target.os === "linux" ? "Linux" : "Darwin";
  return {
    BASE: plainWord(base),
    TARGET: target.name,
    RELEASE: plainWord(releaseId),
    GANTRY: plainWord(manifest.gantry),
    BINARY: plainWord(manifest.binary),
    VARIABLES: VARIABLES.join(" "),
    SYSTEM: system,
    ARCH: target.arch,
    INTERPRETER: target.interpreter,
    EXEC_FIX: target.libc === "musl" ? `${EXEC_FIX}; on Alpine: apk add libstdc++ libgcc` : EXEC_FIX,
    ELF_MACHINE: target.os === "linux" ? ELF_MACHINES[target.arch] : "",
    MACHINES: target.machines.map((machine) => `"${system} ${machine}"`).join(" | "),
    LIBC_CHECKS: libcMarks(target.libc)
      .map((mark) => ` &&\n  ! [ ${mark} -nt "$stamp" ]`)
      .join(""),
    NATIVE_CHECKS: nativeChecks(manifest)
      .map((check) => ` &&\n  ${check}`)
      .join(""),
  };
}

function libcMarks(libc: string | undefined): readonly string[] {
  return libc === undefined ? [] : LIBC_MARKS;
}

/** A test for each native file: there and not newer than the stamp, unless this host goes without its module. */
function nativeChecks(manifest: Manifest): string[] {
  const optional = new Map(manifest.externals.map((external, index) => [external.name, { external, index }]));
  return manifest.native.map(({ path, neededBy }) => {
    const file = `"$modules"/${quote(path)}`;
    const intact = `[ -f ${file} ] && ! [ ${file} -nt "$stamp" ]`;
    const needing = neededBy.flatMap((name) => optional.get(name) ?? []);
    if (needing.some(({ external }) => !external.optional)) return intact;
    const without = needing.map(({ index }) => `[ -f "$stamp.without-${index}" ]`).join(" && ");
    return `{ { ${without}; } || { ${intact}; }; }`;
  });
}

/** Refuses what would be more than a word in a script or a file name; settings are checked long before. */
function plainWord(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(text)) return text;
  throw new GantryError({ code: "CONFIG_INVALID", what: `"${text}" cannot be part of a file name` });
}
