/** How Bun reads an app's sources. A trace and a compile use the same, so that both see the same modules. */
import type { BuildConfig } from "bun";
import { isDevelopment } from "../defines.ts";
import type { SourceSpec } from "../spec.ts";

export function bundlerSettings({
  defines,
}: Pick<SourceSpec, "defines">): Pick<BuildConfig, "target" | "format" | "define" | "env" | "jsx"> {
  return {
    target: "bun",
    format: "esm",
    define: { ...defines },
    env: "disable",
    jsx: { development: isDevelopment(defines) },
  };
}
