/** Finds how a Node app's JavaScript is made. Reads package.json and the files beside it; runs nothing. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { topOf } from "../../release/index.ts";
import type { App } from "./app.ts";
import { chooseBuildTool, type BuildTool } from "./build-tools.ts";
import { readDependencyNames } from "./workspace.ts";

export type BuildStep =
  /** By the app's own `build` script. */
  | { readonly kind: "script" }
  | BuildTool
  /** The app is JavaScript already. */
  | { readonly kind: "none" }
  /** There is no JavaScript, and nothing that could make it. */
  | { readonly kind: "missing" };

/** The app's entry, relative to it. */
export const entryOf = ({ dir, entry }: App): string => relative(dir, entry);

/** The directory that becomes lib/app: the setting, else the first directory in the entry's path. */
export const partOf = ({ settings }: App, entry: string): string => settings.app ?? topOf(entry);

export const isJavaScript = (path: string): boolean => /\.[cm]?js$/.test(path);

/** When something can build the app, output of an earlier build is not used. */
export function readBuildStep(app: App): BuildStep {
  if (app.packageJson.scripts?.["build"] !== undefined) return { kind: "script" };
  const entry = entryOf(app);
  const tool = readBuildTool(app);
  const present = isJavaScript(entry) && existsSync(app.entry);
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
const OUTPUTS: ReadonlySet<string> = new Set(["dist", "build", "out", "output", "compiled"]);

/** Is everything in a directory made by the build? Its name, or .gitignore, tells. */
export function isOutput(app: App, part: string): boolean {
  const name = part.split("/").at(-1) ?? part;
  if (OUTPUTS.has(name)) return true;
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
