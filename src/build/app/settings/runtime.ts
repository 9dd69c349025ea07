/** The settings `runtime` and `node`, and which settings fit the runtime, Bun or Node. */
import * as v from "valibot";
import type { Finding } from "../../../base/errors.ts";
import { compareDotted } from "../../../base/versions.ts";
import type { Target } from "../../../release/index.ts";
import { OLDEST_NODE, type Defaults } from "../../clues/index.ts";

/** A full version, so that every build uses the same Node; or `system`, for the Node that the host has. */
const NODE = /^(?:\d+\.\d+\.\d+|system(?:@\d+(?:\.\d+\.\d+)?)?)$/;
const NodeVersion = v.pipe(
  v.string(),
  v.regex(NODE, 'must be a version such as "24.21.0", "system" or "system@24"'),
);
/** No npm package contains a Node for musl, so an app that is built for both C libraries names a Node for each. */
export const NodeByLibc = v.strictObject({ default: NodeVersion, musl: NodeVersion });

export const Node = v.lazy((value) =>
  typeof value === "object" && value !== null ? NodeByLibc : NodeVersion,
);

/** `24.21.0`, `system` or `system@24`: one for every target, or one for musl and one for all others. */
export type NodeSetting = string | { readonly default: string; readonly musl: string };

/** The Node that the setting names for a target. */
export function nodeFor(setting: NodeSetting, { libc }: Pick<Target, "libc">): string {
  if (typeof setting === "string") return setting;
  return libc === "musl" ? setting.musl : setting.default;
}

/** The settings that depend on the runtime. */
interface RuntimeSettings {
  readonly runtime: "bun" | "node";
  readonly node?: NodeSetting | undefined;
  readonly app?: string | undefined;
  readonly build: Readonly<Partial<Record<"defines" | "plugins" | "workers" | "script", unknown>>>;
}

/** `node` and `app` are for Node apps alone, so an app that sets one of them runs on Node. */
export function defaultRuntime(
  { node, app }: Pick<RuntimeSettings, "node" | "app">,
  told: Pick<Defaults, "runtime"> | undefined,
): "bun" | "node" {
  return node === undefined && app === undefined ? (told?.runtime?.value ?? "bun") : "node";
}

/** A finding for an app that asks other tools for a Node that no release can have. */
export function nodeFindings(told: Pick<Defaults, "node"> | undefined, where: string): Finding[] {
  if (told?.node.problem === undefined) return [];
  const fix = `set "gantry.node" to a version (this is ${told.node.value}), or to "system@${told.node.value.split(".")[0]}" for the host's own`;
  return [{ code: "CONFIG_INVALID", what: told.node.problem, where, fix }];
}

/**
 * Findings for keys that have no meaning with the chosen runtime, and, for Node apps, for a `gantry.node` that is too
 * old.
 */
export function runtimeFindings(settings: RuntimeSettings, where: string): Finding[] {
  const finding = (what: string, fix: string): Finding => ({ code: "CONFIG_INVALID", what, where, fix });
  if (settings.runtime === "bun") {
    const { node, app, build } = settings;
    return Object.entries({ node, app, "build.script": build.script }).flatMap(([key, value]) => {
      if (value === undefined) return [];
      const what = `"gantry.${key}" is ${JSON.stringify(value)}: it is for Node apps, and this one runs on Bun`;
      return [finding(what, `set "gantry.runtime" to "node", or remove "gantry.${key}"`)];
    });
  }
  const findings = (["defines", "plugins", "workers"] as const).flatMap((key) => {
    if (settings.build[key] === undefined) return [];
    const what = `"gantry.build.${key}" is for Bun's compiler; a Node app is built by its own build script`;
    return [finding(what, `do it in the app's "build" script, and remove "gantry.build.${key}"`)];
  });
  const { node = {} } = settings;
  const old = Object.entries(typeof node === "string" ? { "": node } : node).flatMap(([key, version]) =>
    oldNode(key === "" ? "gantry.node" : `gantry.node.${key}`, version, finding),
  );
  return [...findings, ...old];
}

function oldNode(key: string, node: string, finding: (what: string, fix: string) => Finding): Finding[] {
  const [major, ...rest] = node.replace(/^system@?/, "").split(".");
  // `system@20` is the newest 20 that a host has.
  const named = major === "" || rest.length > 0 ? node.replace(/^system@?/, "") : `${major}.99`;
  if (named === "" || compareDotted(named, OLDEST_NODE) >= 0) return [];
  const what = `"${key}" is "${node}": releases need Node ${OLDEST_NODE.replace(/\.0$/, "")} or newer`;
  return [finding(what, `set "${key}" to a newer version`)];
}
