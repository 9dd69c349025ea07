/** A small tree and its manifest, written out by hand: two externals, one of them optional, that share a module. */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Manifest } from "../../../src/release/manifest.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** Contents by path in node_modules; what `x` names is executable. */
export const FILES: Readonly<Record<string, string>> = {
  "needed/package.json": '{"name":"needed","version":"1.0.0","main":"lib/index.js"}',
  "needed/lib/index.js": "module.exports = require('shared');",
  "needed/prebuilds/linux-x64/needed.node": "native code",
  "needed/tool.sh": "#!/bin/sh\n",
  "shared/index.js": "module.exports = 1;",
  "@scope/extra/index.js": "module.exports = 2;",
  "@scope/extra-linux-x64/extra.node": "more native code",
};
const EXECUTABLE = "needed/tool.sh";
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  needed: ["needed"],
  shared: ["needed", "@scope/extra"],
  "@scope/extra": ["@scope/extra"],
  "@scope/extra-linux-x64": ["@scope/extra"],
};

function moduleOf(directory: string): Manifest["modules"][string] {
  const entries = Object.entries(FILES)
    .filter(([path]) => path.startsWith(`${directory}/`))
    .map(([path, text]) => {
      const entry = [Buffer.byteLength(text), digest(text), ...(path === EXECUTABLE ? ["x"] : [])];
      return [path.slice(directory.length + 1), entry];
    });
  return {
    name: directory,
    version: "1.0.0",
    digest: digest(directory),
    neededBy: [...(OWNERS[directory] ?? [])],
    files: Object.fromEntries(entries) as Manifest["modules"][string]["files"],
  };
}

const external = (name: string, optional: boolean) => ({
  name,
  version: "1.0.0",
  optional,
  reason: "it loads a native file",
  imports: [name],
});

export const MANIFEST: Manifest = {
  schema: 1,
  name: "sample",
  version: "0.1.0",
  binary: "sample",
  target: "linux-x64-gnu",
  gantry: "0.1.0",
  runtime: { kind: "bun", version: "1.4.5" },
  executable: { size: 1, sha256: digest("a") },
  launcher: { size: 1, sha256: digest("b") },
  install: "first-run",
  externals: [external("needed", false), external("@scope/extra", true)],
  modules: Object.fromEntries(Object.keys(OWNERS).map((directory) => [directory, moduleOf(directory)])),
  native: [
    { path: "needed/prebuilds/linux-x64/needed.node", neededBy: ["needed"] },
    { path: "@scope/extra-linux-x64/extra.node", neededBy: ["@scope/extra"] },
  ],
};

/** Writes the tree into a new directory's node_modules and returns that path. */
export function makeTree(): string {
  const modules = join(mkdtempSync(join(tmpdir(), "gantry-tree-")), "node_modules");
  for (const [path, text] of Object.entries(FILES)) put(modules, path, text);
  return modules;
}

export function put(modules: string, path: string, text: string): void {
  const to = join(modules, path);
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, text);
  chmodSync(to, path === EXECUTABLE ? 0o755 : 0o644);
}

export function removeTree(modules: string): void {
  rmSync(dirname(modules), { recursive: true, force: true });
}
