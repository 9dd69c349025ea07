/** The texts of a release that are for people: its README and its .env.example. Templates lie in templates/. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { NAMES } from "../release/layout.ts";
import { runtimeName, type Manifest } from "../release/manifest.ts";
import { readTemplate } from "./template.ts";

/** What a person on the host needs to know, from the manifest alone. */
export function renderReadme(manifest: Manifest): string {
  const modules = manifest.externals.filter((external) => external.unavailable === undefined);
  const values: Record<string, string> = {
    NAME: manifest.name,
    VERSION: manifest.version,
    TARGET: manifest.target,
    BINARY: manifest.binary,
    GANTRY: manifest.gantry,
    RUNTIME: runtimeName(manifest.runtime),
    MODULES: modules.map((external) => external.name).join(", ") || "none",
    MODULE_LIST: manifest.externals.map((external) => moduleLine(external)).join("\n") || "None.",
  };
  return readTemplate("templates/README.release.md").replace(
    /@([A-Z_]+)@/g,
    (place, key: string) => values[key] ?? place,
  );
}

function moduleLine(external: Manifest["externals"][number]): string {
  const title = `- ${external.name} ${external.version}${external.optional ? " (optional)" : ""}`;
  if (external.unavailable === undefined) return title;
  return `${title}: not in this release. ${external.unavailable.reason}. ${external.unavailable.fix}`;
}

/** The app's own .env.example, or a commented default. */
export function readEnvExample(appDir: string, name: string): string {
  const own = join(appDir, NAMES.envExample);
  return existsSync(own)
    ? readFileSync(own, "utf8")
    : readTemplate("templates/env.example").replaceAll("@NAME@", name);
}
