/** Makes the texts of a release for people: its README and its .env.example. Templates are in templates/. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { availableExternals, type Manifest, NAMES, runsOnSystem, runtimeName } from "../../release/index.ts";
import { readTemplate } from "../template.ts";

/** Renders the README from the manifest alone. */
export function renderReadme(manifest: Manifest): string {
  const values: Record<string, string> = {
    NAME: manifest.name,
    VERSION: manifest.version,
    TARGET: manifest.target,
    BINARY: manifest.binary,
    GANTRY: manifest.gantry,
    RUNTIME: runtimeName(manifest.runtime),
    STARTS: describeStarts(manifest),
    NEEDS: describeNeeds(manifest),
    KIND: manifest.runtime.kind === "bun" ? "Native modules" : "Modules",
    MODULE_LIST: manifest.externals.map((external) => moduleLine(external)).join("\n") || "None.",
  };
  return readTemplate("templates/README.release.md").replace(
    /@([A-Z_]+)@/g,
    (place, key: string) => values[key] ?? place,
  );
}

/** Says what the first start and later starts do. */
function describeStarts(manifest: Manifest): string {
  const names = availableExternals(manifest).map((external) => external.name);
  if (names.length === 0) return "Every start goes straight to the app: this release has no modules.";
  const modules = `the ${manifest.runtime.kind === "bun" ? "native modules" : "modules"} (${names.join(", ")})`;
  const proven = "and proves that they load on this host";
  if (manifest.install === "image") {
    return `\`./gantry prepare\`, run while an image is built, unpacks or fetches ${modules} ${proven}; a start fetches nothing.`;
  }
  const does = manifest.install === "vendor" ? "unpacks" : "unpacks or fetches";
  return `The first start ${does} ${modules} ${proven}; every later start goes straight to the app.`;
}

function describeNeeds({ runtime }: Manifest): string {
  const base = "a POSIX `sh` and the C library that this release was made for";
  if (!runsOnSystem(runtime)) return `${base}; no bun, node or npm`;
  return `${base}, and a Node ${runtime.version.split(".")[0]} on its PATH; no bun or npm`;
}

function moduleLine(external: Manifest["externals"][number]): string {
  const title = `- ${external.name} ${external.version}${external.optional ? " (optional)" : ""}`;
  if (external.unavailable === undefined) return title;
  return `${title}: not in this release. ${external.unavailable.reason}. ${external.unavailable.fix}`;
}

/** The text of the app's own .env.example, or of a default in which every line is a comment. */
export function readEnvExample(appDir: string, name: string): string {
  const own = join(appDir, NAMES.envExample);
  return existsSync(own)
    ? readFileSync(own, "utf8")
    : readTemplate("templates/env.example").replaceAll("@NAME@", name);
}
