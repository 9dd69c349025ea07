// Writes every committed file that is generated from the source (scripts/generate/index.ts); `npm run generate`.
// test/unit/generated.test.ts fails when one of them differs.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./install.mjs";
import { importTypeScript } from "./typescript.mjs";

const { generateFiles } = await importTypeScript("scripts/generate/index.ts");
for (const { path, text } of generateFiles(root)) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
