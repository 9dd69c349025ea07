/** Finds how a Node app's JavaScript is made. Reads package.json and the files beside it, and runs nothing. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { topOf } from "../../release/index.ts";
import type { App } from "./app.ts";
import { chooseBuildTool, type BuildTool } from "./build-tools.ts";
import { readDependencyNames } from "./workspace.ts";

export type BuildStep =
  /** A script of the app makes it: `build`, or the one that `gantry.build.script` names. */
  | { readonly kind: "script"; readonly name: string }
  | BuildTool
  /** The app is JavaScript already. */
  | { readonly kind: "none" }
  /** There is no JavaScript, and nothing that could make it was found. */
  | { readonly kind: "missing" };

/** Path of the app's entry, relative to the app's directory. */
export const entryOf = ({ dir, entry }: App): string => relative(dir, entry);

/** The directory that becomes lib/app: `gantry.app`, else the first directory in the entry's path. */
export const partOf = ({ settings }: App, entry: string): string => settings.app ?? topOf(entry);

/** Node runs a file without an ending as JavaScript, such as bin/www. */
export const isJavaScript = (path: string): boolean => /\.[cm]?js$|(?:^|\/)[^/.]+$/.test(path);

/**
 * Finds how the app's JavaScript is made: by its `build` script when it has one, or by the one that
 * `gantry.build.script` names. A JavaScript entry that exists is used
 * as it is, unless a tool can build the app and the entry lies in an output directory.
 */
export function readBuildStep(app: App): BuildStep {
  const script = app.settings.build.script ?? "build";
  if (script !== false && app.packageJson.scripts?.[script] !== undefined)
    return { kind: "script", name: script };
  const entry = entryOf(app);
  const tool = readBuildTool(app);
  const present = isJavaScript(entry) && existsSync(app.entry);
  if (present && script === false) return { kind: "none" };
  if (present && (tool === undefined || !isOutput(app, partOf(app, entry)))) return { kind: "none" };
  return tool ?? { kind: "missing" };
}

function readBuildTool({ dir, workspaceRoot, packageJson }: App): BuildTool | undefined {
  return chooseBuildTool({
    dependencies: new Set([dir, workspaceRoot].flatMap((directory) => readDependencyNames(directory))),
    keys: new Set(Object.keys(packageJson)),
    files: readdirSync(dir),
    read: (file) => readFileSync(join(dir, file), "utf8"),
  });
}

/** Usual names of output directories. A directory of another name may hold sources as well. */
const OUTPUTS: ReadonlySet<string> = new Set([
  "dist",
  "build",
  "out",
  "output",
  "compiled",
  ".output",
  ".next",
]);

/** Says whether a directory of this name usually holds what a build makes. */
export const isOutputName = (name: string): boolean => OUTPUTS.has(name);

/**
 * Says whether everything in a directory is made by the build: the directory has a usual name for output, or a
 * .gitignore of the app or of the workspace root lists that name.
 * @param part the directory's path, relative to the app
 */
export function isOutput(app: App, part: string): boolean {
  const name = part.split("/").at(-1) ?? part;
  if (isOutputName(name)) return true;
  const files = [app.dir, app.workspaceRoot].map((directory) => join(directory, ".gitignore"));
  return files
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, "utf8").split("\n"))
    .some(
      (line) =>
        line
          .trim()
          .replace(/\/(?:\*\*?)?$/, "")
          .split("/")
          .at(-1) === name && !line.startsWith("!"),
    );
}
