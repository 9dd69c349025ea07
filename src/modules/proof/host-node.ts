/**
 * Releases that run on the host's own Node: which one that is, whether the one that was proven is still there, and
 * whether it is of the ABI that the modules were built for. Reads only.
 */
import { dirname, join } from "node:path";
import type { Finding } from "../../base/errors.ts";
import { runtimeName, systemName } from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { Self } from "./judge.ts";
import { readProgramPath } from "../../base/process/index.ts";
import type { TreeLocation, Release, RunningProgram } from "../release/unpacked.ts";
import { readRegularText } from "../../base/files/index.ts";

/** The calling process's program, and how the stub found it. */
export function readRunning(self: Self, environment: Environment): RunningProgram {
  return { path: self.path, found: readProgramPath("node", environment) ?? self.path };
}

/** What the stub compares before it trusts a stamp. */
export function systemMark({ found, path }: RunningProgram): string {
  return `${found}\n${path}\n`;
}

/** Was the stamp written for this very Node? True for releases that bring their own. */
export function isSameSystem(release: Release, location: TreeLocation, host: string): boolean {
  if (release.system === undefined) return true;
  try {
    const mark = readRegularText(join(location.stamps, systemName(release.id, host)));
    return mark === systemMark(release.system);
  } catch {
    return false;
  }
}

/**
 * The program, and for the host's own also the directories it lies in: package managers keep the build time of a
 * file that they replace, so that an upgraded Node may be older than the stamp, but its directory never is.
 */
export function watchedPrograms({ layout, system }: Release): string[] {
  return system === undefined
    ? [layout.executable]
    : [system.path, ...new Set([dirname(system.path), dirname(system.found)])];
}

/** Says so when the Node that runs this is of another ABI than the one that the release was built and proven with. */
export function checkAbi({ manifest, system }: Release, self: Self): Finding | undefined {
  const { runtime } = manifest;
  if (runtime.kind !== "node" || Number(self.versions.modules) === runtime.abi) return undefined;
  const [major] = runtime.version.split(".");
  const here = `this is Node ${self.versions.node ?? "?"} with ${self.versions.modules ?? "?"}`;
  return {
    code: "ABI_MISMATCH",
    what: `the release is built for NODE_MODULE_VERSION ${runtime.abi} (${runtimeName(runtime)}), and ${here}`,
    where: system?.found ?? self.path,
    fix: `put a Node ${major} first on the PATH, or build the release for Node ${self.versions.node?.split(".")[0] ?? ""}`,
  };
}
