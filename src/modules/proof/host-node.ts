/**
 * For releases that run on the host's own Node: finds that Node, checks that it is the one the tree was proven with, and
 * compares its ABI with the one that the modules were built for. Reads only.
 */
import { dirname, join } from "node:path";
import type { Finding } from "../../base/errors.ts";
import { runtimeName, systemName } from "../../release/index.ts";
import type { Environment } from "../../base/environment.ts";
import type { Self } from "./judge.ts";
import { readProgramPath } from "../../base/process/index.ts";
import type { TreeLocation, Release, RunningProgram } from "../release/unpacked.ts";
import { readRegularText } from "../../base/files/index.ts";

/** The program of this process, and the path by which the stub found it on the PATH. */
export function readRunning(self: Self, environment: Environment): RunningProgram {
  return { path: self.path, found: readProgramPath("node", environment) ?? self.path };
}

/** The text of the file that the stub compares before it trusts a stamp, see systemName. */
export function systemMark({ found, path }: RunningProgram): string {
  return `${found}\n${path}\n`;
}

/** Whether the stamp was written for this Node; true for releases that bring their own runtime. */
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
 * Paths whose modification time must not be newer than the stamp: the program, and for the host's own Node also its
 * directories. Package managers keep a file's build time, so that an upgraded Node may be older than the stamp; the
 * directory that it was put into is not.
 */
export function watchedPrograms({ layout, system }: Release): string[] {
  return system === undefined
    ? [layout.executable]
    : [system.path, ...new Set([dirname(system.path), dirname(system.found)])];
}

/** A finding when this process's NODE_MODULE_VERSION is not the one that the release was built for. */
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
