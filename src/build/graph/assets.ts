/** Decides which of the files that an app's sources name go into a release, and what to tell of the others. */
import { lstatSync, readdirSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import type { NamedFile } from "./files.ts";

/** A file of a release that an app's program reads. */
export interface Asset {
  /** Absolute path of the file. */
  readonly path: string;
  /** Its path below lib/assets. */
  readonly place: string;
}

export interface AssetChoice {
  readonly assets: readonly Asset[];
  readonly warnings: readonly string[];
}

export interface AssetsContext {
  readonly root: string;
  readonly appDir: string;
  /** Absolute paths of the sources that are compiled in. */
  readonly sources: ReadonlySet<string>;
  readonly placeOf: (path: string) => string;
}

/** Chooses the files. Those of a directory are listed one by one, sorted by their places. */
export function chooseAssets(named: readonly NamedFile[], context: AssetsContext): AssetChoice {
  const assets = new Map<string, Asset>();
  const warnings = new Set<string>();
  for (const one of named) {
    const where = `${relative(context.root, one.by)}:${one.line}`;
    const own = !one.by.includes("/node_modules/");
    const shown = relative(context.appDir, one.path) || ".";
    if (one.from === "current") {
      if (own) warnings.add(explainCurrent(where, shown));
      continue;
    }
    if (context.sources.has(one.path)) continue;
    if (holdsSources(one.path, context)) {
      if (own && one.partial) warnings.add(explainPartial(where, shown));
      continue;
    }
    const [files, kept] = listFiles(one.path);
    if (own) for (const path of kept) warnings.add(explainData(where, relative(context.appDir, path)));
    for (const path of files) {
      const place = context.placeOf(path);
      assets.set(place, { path, place });
    }
  }
  const sorted = [...assets.values()].toSorted((a, b) => (a.place < b.place ? -1 : 1));
  return { assets: sorted, warnings: [...warnings] };
}

function explainCurrent(where: string, shown: string): string {
  return `${where} reads ${shown} relative to the current directory, which is not the source tree where a release runs: name it by import.meta.dir, or list it in "gantry.include" and set "gantry.service.workingDirectory" to "release"`;
}

function explainPartial(where: string, shown: string): string {
  return `${where} reads files of ${shown} by computed names, and sources lie there too: nothing of it is taken; move these files to a directory of their own`;
}

function explainData(where: string, shown: string): string {
  return `${where} names ${shown}, which looks like data of this machine: it is not taken into the release`;
}

/** Says whether a directory holds sources, or packages that are in the binary or beside it. */
function holdsSources(path: string, { root, sources }: AssetsContext): boolean {
  if (!statSync(path).isDirectory()) return false;
  if (basename(path) === "node_modules" || !relative(path, root).startsWith("..")) return true;
  return [...sources].some((source) => source.startsWith(`${path}/`));
}

const LEFT_BEHIND = /^(?:node_modules|\.git|\.hg|\.svn|\.DS_Store|\.env(?:\..*)?)$/;
/** Files that a running app writes. */
const DATA = /\.(?:db|sqlite3?|log|pid|sock)(?:-(?:wal|shm|journal))?$/i;

/** The files at a path, without secrets and version control; and those that look like an app's data. */
function listFiles(path: string): [files: string[], data: string[]] {
  const name = basename(path);
  if (LEFT_BEHIND.test(name)) return [[], []];
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() === true) return DATA.test(name) ? [[], [path]] : [[path], []];
  // A link to a directory may lead to one above.
  if (found?.isDirectory() !== true || lstatSync(path).isSymbolicLink()) return [[], []];
  const below = readdirSync(path).map((entry) => listFiles(join(path, entry)));
  return [below.flatMap(([files]) => files), below.flatMap(([, data]) => data)];
}
