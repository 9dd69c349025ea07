/** Loads a Bun plugin of the app. It runs in the build's workers, under Bun. */
import type { BunPlugin } from "bun";
import { pathToFileURL } from "node:url";

/** The plugin that a module exports, or that the function returns which it exports. */
export async function loadPlugin(path: string): Promise<BunPlugin> {
  const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  const exported: unknown = typeof module.default === "function" ? await module.default() : module.default;
  if (isPlugin(exported)) return exported;
  throw new Error("the default export is neither a Bun plugin nor a function that returns one");
}

function isPlugin(value: unknown): value is BunPlugin {
  return typeof value === "object" && value !== null && "setup" in value && typeof value.setup === "function";
}
