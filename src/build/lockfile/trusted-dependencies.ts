/**
 * Finds the packages of a release that need their install scripts. The release's package.json lists them, for people
 * who install its modules with bun or npm themselves. gantry's own installation runs no scripts.
 */
import { readInstallScript } from "../analyze/index.ts";
import { readInstalled, type Sources } from "../app/index.ts";
import type { Closure } from "./package-closure.ts";

/** Names of the closure's packages whose install script builds or fetches a native file, sorted. */
export function readTrusted(sources: Sources, closure: Closure): string[] {
  const installed = new Map(
    [...readInstalled(sources.appDir, sources.root).packages.values()].map((found) => [
      `${found.name}@${found.version}`,
      found,
    ]),
  );
  const trusted = [...closure.nodes.values()].flatMap(({ entry }) => {
    if (entry.kind !== "registry") return [];
    const found = installed.get(`${entry.name}@${entry.version}`);
    return found !== undefined && readInstallScript(found.dir, found.json) !== undefined ? [entry.name] : [];
  });
  return [...new Set(trusted)].toSorted();
}
