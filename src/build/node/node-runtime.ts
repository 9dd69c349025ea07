/**
 * Fetches the Node of a release: its executable and headers, from the npm package for that version and platform, with
 * an integrity check. The version is read from the package, the ABI and the Node-API from its headers. Version and ABI
 * are compared with those that the executable contains. The executable is not run.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GantryError, type Finding } from "../../base/errors.ts";
import { readRuntime, valueOf } from "../../host/index.ts";
import type { Target } from "../../release/index.ts";
import { run, SELF } from "../../base/process/index.ts";
import { toolEnvironment } from "../../runtime/index.ts";
import type { Environment } from "../../base/environment.ts";
import { toolLines } from "../app/index.ts";

export interface NodeRuntime {
  /** Its directory, with bin/node and include/node in it. This is the `nodedir` of node-gyp. */
  readonly directory: string;
  readonly executable: string;
  readonly version: string;
  /** NODE_MODULE_VERSION. */
  readonly abi: number;
  readonly napi: number | undefined;
  /** True when the release uses the host's own Node of this ABI. */
  readonly system: boolean;
}

export interface EnsureNodeOptions {
  /**
   * The Node that the setting names for the target: `24.21.0`, `system`, `system@24`; or a range, such as `22`, when
   * the app's other files say it.
   */
  readonly wanted: string;
  readonly target: Target;
  /** A private directory for the installation. */
  readonly directory: string;
  /** Path of the Bun that installs the package. */
  readonly bun: string;
  readonly environment: Environment;
  /** Path of the app's package.json, for messages. */
  readonly where: string;
}

/**
 * Fetches the Node for a target.
 * @throws GantryError MODULE_UNAVAILABLE when there is no such version, or none for the target; DIGEST_MISMATCH when
 *   the executable is not the one that the package describes; NETWORK_FAILED
 */
export async function ensureNode(options: EnsureNodeOptions): Promise<NodeRuntime> {
  const { wanted, target, directory, where } = options;
  const system = wanted.startsWith("system");
  // No npm package has a Node for musl. With `system` the one for glibc is fetched, whose ABI is valid for musl as
  // well.
  if (target.libc === "musl" && !system) throw new GantryError(noMuslNode(wanted, target, where));
  const version = system ? (wanted.split("@")[1] ?? SELF.versions.node) : wanted;
  const name = `node-${target.os}-${target.arch}`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, "package.json"),
    JSON.stringify({ name: "gantry-scratch", private: true, dependencies: { [name]: version } }),
  );
  const args = [
    "install",
    "--config=/dev/null",
    "--no-env-file",
    "--ignore-scripts",
    "--no-progress",
    "--no-save",
  ];
  const platform = [`--os=${target.os}`, `--cpu=${target.arch}`];
  const result = await run(options.bun, [...args, ...platform], {
    cwd: directory,
    environment: toolEnvironment(options.environment, { BUN_BE_BUN: "1" }),
  });
  const prefix = join(directory, "node_modules", name);
  const executable = join(prefix, "bin", "node");
  if (result.code !== 0 || !existsSync(executable)) {
    throw new GantryError(notFetched(options, `${name}@${version}`, toolLines(result.stderr)));
  }
  return { directory: prefix, executable, ...readFacts(prefix, executable), system };
}

function readFacts(prefix: string, executable: string): Pick<NodeRuntime, "version" | "abi" | "napi"> {
  const { version } = JSON.parse(readFileSync(join(prefix, "package.json"), "utf8")) as { version: string };
  const header = readFileSync(join(prefix, "include/node/node_version.h"), "utf8");
  const abi = Number(/#define NODE_MODULE_VERSION (\d+)/.exec(header)?.[1]);
  const napi = Number(/#define NODE_API_SUPPORTED_VERSION_MAX (\d+)/.exec(header)?.[1] ?? Number.NaN);
  const { facts } = readRuntime(executable);
  const own = { version: valueOf(facts.version), abi: valueOf(facts.abi) };
  if (own.version === version && (own.abi === undefined || own.abi === abi)) {
    return { version, abi, napi: Number.isNaN(napi) ? valueOf(facts.napi) : napi };
  }
  throw new GantryError({
    code: "DIGEST_MISMATCH",
    what: `the package says Node ${version} with NODE_MODULE_VERSION ${abi}, its program Node ${own.version} with ${own.abi}`,
    where: executable,
    fix: "empty Bun's cache (bun pm cache rm) and build again",
  });
}

function noMuslNode(wanted: string, target: Target, where: string): Finding {
  const system = `system@${/\d+/.exec(wanted)?.[0]}`;
  const both = JSON.stringify({ default: wanted, musl: system });
  return {
    code: "MODULE_UNAVAILABLE",
    what: `there is no package with a Node ${wanted} for ${target.name}`,
    where,
    fix: `set "gantry.node" to "${system}", or for musl alone to ${both}: it then runs on the host's own (apk add nodejs)`,
  };
}

function notFetched(
  { wanted, target, where }: EnsureNodeOptions,
  id: string,
  detail: readonly string[],
): Finding {
  if (/\b404\b|No version matching/i.test(detail.join("\n"))) {
    const { node } = SELF.versions;
    const example = wanted.startsWith("system") ? `system@${node.split(".")[0]}` : node;
    return {
      code: "MODULE_UNAVAILABLE",
      what: `there is no such Node for ${target.os}-${target.arch}: the registry has no ${id}`,
      where,
      detail,
      fix: `set "gantry.node" to one that has been released, such as "${example}", which runs this gantry`,
    };
  }
  const what = `${id}, the Node of the release, could not be fetched`;
  return { code: "NETWORK_FAILED", what, where, detail, fix: "check the network and build again" };
}
