// Node 20 runs no TypeScript, so the scripts that are written in it are bundled. Packages are found because the bundle
// lies below node_modules.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./install.mjs";

/** @param {string} entry relative to the repository's root @returns {Promise<any>} its exports */
export async function importTypeScript(entry) {
  const scratch = mkdtempSync(join(root, "node_modules/.script-"));
  try {
    const outfile = join(scratch, "script.mjs");
    await build({
      entryPoints: [join(root, entry)],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      packages: "external",
    });
    return await import(outfile);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
