// Writes every committed file that is generated from the source (scripts/generate/index.ts); `npm run generate`.
// test/unit/generated.test.ts fails when one of them differs.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Node 20 runs no TypeScript, so it is bundled. Packages are found because the directory is below node_modules. */
const scratch = mkdtempSync(join(root, "node_modules/.generate-"));
try {
  const outfile = join(scratch, "generate.mjs");
  const entryPoints = [join(root, "scripts/generate/index.ts")];
  await build({
    entryPoints,
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
  });
  const { generateFiles } = await import(outfile);
  for (const { path, text } of generateFiles(root)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
