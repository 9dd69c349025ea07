/** Checks that the settings fit the runtime, Bun or Node. */
import type { Finding } from "../../base/errors.ts";
import type { Target } from "../../release/index.ts";

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
  readonly build: Readonly<Partial<Record<"defines" | "plugins" | "workers", unknown>>>;
}

/**
 * Findings for keys that have no meaning with the chosen runtime, and, for Node apps, for a `gantry.node` that is
 * missing or too old.
 */
export function runtimeFindings(settings: RuntimeSettings, where: string): Finding[] {
  const finding = (what: string, fix: string): Finding => ({ code: "CONFIG_INVALID", what, where, fix });
  if (settings.runtime === "bun") {
    return (["node", "app"] as const).flatMap((key) => {
      if (settings[key] === undefined) return [];
      const what = `"gantry.${key}" is ${JSON.stringify(settings[key])}: it is for Node apps, and this one runs on Bun`;
      return [finding(what, `set "gantry.runtime" to "node", or remove "gantry.${key}"`)];
    });
  }
  const findings = (["defines", "plugins", "workers"] as const).flatMap((key) => {
    if (settings.build[key] === undefined) return [];
    const what = `"gantry.build.${key}" is for Bun's compiler; a Node app is built by its own build script`;
    return [finding(what, `do it in the app's "build" script, and remove "gantry.build.${key}"`)];
  });
  if (settings.node !== undefined) {
    const wanted = typeof settings.node === "string" ? { "": settings.node } : settings.node;
    const old = Object.entries(wanted).flatMap(([key, node]) =>
      oldNode(key === "" ? "gantry.node" : `gantry.node.${key}`, node, finding),
    );
    return [...findings, ...old];
  }
  const what = '"gantry.node" is missing: a Node app says which Node it runs on';
  const own = process.versions.node;
  const fix = `set "gantry.node" to a version (this is ${own}), or to "system@${own.split(".")[0]}" for the host's own`;
  return [...findings, finding(what, fix)];
}

/** The oldest Node that can run the launcher. */
const OLDEST_NODE = [20, 19] as const;

function oldNode(key: string, node: string, finding: (what: string, fix: string) => Finding): Finding[] {
  const [major = Infinity, minor = Infinity] = node
    .replace(/^system@?/, "")
    .split(".")
    .filter(Boolean)
    .map(Number);
  const [oldest, least] = OLDEST_NODE;
  if (major > oldest || (major === oldest && minor >= least)) return [];
  const what = `"${key}" is "${node}": releases need Node ${oldest}.${least} or newer`;
  return [finding(what, `set "${key}" to a newer version`)];
}
