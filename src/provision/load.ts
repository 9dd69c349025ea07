/**
 * Loads every external of a tree, each in a process of its own, a few at a time.
 */
import { readFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import type { Finding } from "../errors.ts";
import type { ExternalModule } from "../release/manifest.ts";
import type { Environment } from "../runtime/invoke.ts";
import { probeExternal } from "../runtime/probe.ts";

export interface LoadOptions {
  readonly executable: string;
  readonly modules: string;
  readonly environment: Environment;
  /** See ProbeOptions. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Each process takes some 50 MB; more at once would not be faster on the machines this is for. */
const AT_ONCE = 4;

/** @returns a finding for each external that does not load, by name */
export async function loadExternals(
  externals: readonly ExternalModule[],
  options: LoadOptions,
): Promise<Map<string, Finding>> {
  const findings = new Map<string, Finding>();
  const waiting = [...externals];
  const { executable, modules, environment, limit, signal } = options;
  const work = async () => {
    for (let external = waiting.shift(); external !== undefined; external = waiting.shift()) {
      const finding = await probeExternal(external, {
        executable,
        modules,
        cwd: dirname(modules),
        environment,
        ...(limit === undefined ? {} : { limit }),
        ...(signal === undefined ? {} : { signal }),
      });
      if (finding !== undefined) findings.set(external.name, finding);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  signal?.throwIfAborted();
  return findings.size === 0 ? findings : blameMount(findings, modules);
}

/**
 * Many packages swallow the loader's message, so the mount is asked when anything fails: nothing native can be
 * mapped from a noexec one (mmap(2), EPERM), whatever the module says.
 */
async function blameMount(findings: Map<string, Finding>, modules: string): Promise<Map<string, Finding>> {
  const { readDirectory, parseMountInfo } = await import("../host/directory.ts");
  const directory = readDirectory(realpathSync(modules), parseMountInfo(readMounts()));
  if (directory?.noexec !== true) return findings;
  const what = `native modules cannot be loaded from ${directory.mountPoint}, which is mounted noexec`;
  const finding: Finding = { code: "STORE_NOEXEC", what, where: modules };
  return new Map([...findings.keys()].map((name) => [name, finding]));
}

function readMounts(): string {
  try {
    return readFileSync("/proc/self/mountinfo", "utf8");
  } catch {
    return "";
  }
}
