/**
 * Finds what a package's install script does. A script that prints a banner (core-js) or patches a file does not
 * matter. A script that compiles or downloads a native file makes its package native. Scripts are read and never run.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { PackageJson } from "pkg-types";

export interface InstallScript {
  /** `preinstall`, `install` or `postinstall`. */
  readonly stage: string;
  readonly command: string;
  /** What the script does to a native file, with the evidence. */
  readonly does: string;
  /** `program`: what it fetches may be no native module but a program, as esbuild's does. */
  readonly makes: "module" | "program";
}

const STAGES = ["preinstall", "install", "postinstall"] as const;
const BUILDERS =
  /\b(node-gyp-build(?:-optional-packages)?|node-gyp|prebuild-install|node-pre-gyp|prebuildify|cmake-js|neon|napi|cargo)\b/;
/** Matches the files that a command runs: in `node x.js`, and in `require('./x')` after `node -e`. */
const RUN_FILES = /\bnode\s+(?!-)["']?([\w@./-]+)|require\(\s*\\?['"](\.[\w./-]+)\\?['"]\s*\)/g;
const NATIVE_FILE = /\.node\b["'`]|\.node\$\{|\.node\)/;
const DOWNLOAD = /https?\.(?:get|request)\b|\bfetch\(|\bdownload|DownloaderHelper|createWriteStream/i;
const PLATFORM =
  /process\.(?:platform|arch)|\b(?:platform|arch)\(\)|os\.(?:platform|arch)|\{[^}]*\b(?:platform|arch)\b[^}]*\}\s*=\s*process/;
/** Bytes. A larger script is a bundle, in which a search for words proves nothing. */
const LARGEST_SCRIPT = 512 * 1024;

/**
 * The first install script that builds or fetches a native file. Undefined when there is none. npm's default script for
 * a binding.gyp counts as well.
 */
export function readInstallScript(directory: string, json: PackageJson): InstallScript | undefined {
  const scripts: Partial<Record<string, unknown>> = json.scripts ?? {};
  for (const stage of STAGES) {
    const command = scripts[stage];
    if (typeof command !== "string") continue;
    const does = describe(directory, command);
    if (does !== undefined) return { stage, command, ...does };
  }
  const implicit = scripts["install"] === undefined && scripts["preinstall"] === undefined;
  if (implicit && existsSync(join(directory, "binding.gyp"))) {
    return {
      stage: "install",
      command: "node-gyp rebuild",
      does: "compiles a native file (npm's default for a binding.gyp)",
      makes: "module",
    };
  }
  return undefined;
}

/** Every command that a package manager would run when it installs the package, in order. */
export function installCommands(directory: string, json: PackageJson): string[] {
  const scripts: Partial<Record<string, unknown>> = json.scripts ?? {};
  const commands = STAGES.map((stage) => scripts[stage]).filter((command) => typeof command === "string");
  const implicit = scripts["install"] === undefined && scripts["preinstall"] === undefined;
  return implicit && existsSync(join(directory, "binding.gyp"))
    ? ["node-gyp rebuild", ...commands]
    : commands;
}

const module = (does: string) => ({ does, makes: "module" as const });

function describe(directory: string, command: string): Pick<InstallScript, "does" | "makes"> | undefined {
  const builder = BUILDERS.exec(command)?.[1];
  if (builder !== undefined) return module(`builds or fetches a native file with ${builder}`);
  for (const match of command.matchAll(RUN_FILES)) {
    const file = match[1] ?? match[2] ?? "";
    const text = readScript(directory, file);
    if (text === undefined) continue;
    if (NATIVE_FILE.test(text))
      return module(`${DOWNLOAD.test(text) ? "fetches" : "looks for"} a .node file in ${file}`);
    const tool = BUILDERS.exec(text)?.[1];
    if (tool !== undefined && PLATFORM.test(text)) return module(`runs ${tool} in ${file}`);
    if (DOWNLOAD.test(text) && PLATFORM.test(text))
      return { does: `fetches a file for the platform in ${file}`, makes: "program" };
  }
  return undefined;
}

function readScript(directory: string, file: string): string | undefined {
  for (const path of [file, `${file}.js`, `${file}.cjs`, `${file}/index.js`].map((name) =>
    join(directory, name),
  )) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() === true && found.size <= LARGEST_SCRIPT) return readFileSync(path, "utf8");
  }
  return undefined;
}
