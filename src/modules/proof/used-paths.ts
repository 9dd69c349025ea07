/** Lists the paths of all files that a start runs or reads; src/trust checks who can change them. Reads only. */
import { join } from "node:path";
import { readEntries, unlessRefused } from "../../base/files/index.ts";
import { NOTES, stampName } from "../../release/index.ts";
import type { Wanted } from "../../trust/index.ts";
import { readHostId } from "./tree-facts.ts";
import type { TreeLocation, Release } from "../release/unpacked.ts";

/** @param roots the release's root directory, by every path that it is started by */
export function usedBy(release: Release, roots: readonly string[], location: TreeLocation): Wanted {
  const { layout, manifest } = release;
  const host = readHostId();
  const modules = Object.entries(manifest.modules).flatMap(([directory, { files }]) =>
    Object.keys(files).map((path) => join(location.modules, directory, path)),
  );
  const stamp = join(location.stamps, stampName(release.id, host));
  return {
    directories: [...roots, layout.lib, location.parent, location.modules, location.stamps],
    files: [
      layout.stub,
      layout.gantry,
      layout.env,
      layout.executable,
      ...(release.system === undefined ? [] : [release.system.found]),
      ...listFiles(layout.lib),
      ...modules,
      stamp,
      join(location.stamps, NOTES),
    ],
  };
}

function listFiles(directory: string): string[] {
  const found: string[] = [];
  for (const entry of unlessRefused(() => readEntries(directory)) ?? []) {
    const path = join(directory, entry.name);
    found.push(path);
    if (entry.isDirectory()) found.push(...listFiles(path));
  }
  return found;
}
